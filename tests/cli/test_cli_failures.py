"""Whatever a user gives, a verb answers with a sentence and an exit code, never a traceback."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from synthetic_run import BASELINE, MEASURED, make_result, make_run
from typer.main import get_command

from wattmark.cli import failures, verbs
from wattmark.cli.main import app, main
from wattmark.editions.edition_files import Editions
from wattmark.errors import EndpointError
from wattmark.records import bundle_of
from wattmark.workflows import endpoint_runs, kinds, runs

Ask = Callable[..., Any]


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the verbs work in: files that are right, wrong, damaged, full or absent."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ok.csv").write_text("task,energy_wh\nt,1\nt,2\nt,3\nt,4\nt,5\n")
    (tmp_path / "twice.csv").write_text("task,task,energy_wh\nt,t,1\n")
    (tmp_path / "latin.csv").write_bytes("task,energy_wh\nFrançais,1\n".encode("latin-1"))
    (tmp_path / "words.csv").write_text("task,energy_wh\nt,much\n")
    (tmp_path / "object.json").write_text('{"task": "t"}')
    (tmp_path / "cut.json").write_text('[{"task": "t"')
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "power.csv").write_text("t_s,watts\n0,50\n1,51\n")
    (tmp_path / "other.csv").write_text("time,watts\n0,50\n")
    (tmp_path / "nan.yaml").write_text("region: DE\npue: .nan\n")
    (tmp_path / "twice.yaml").write_text("region: DE\nregion: FR\n")
    (tmp_path / "list.yaml").write_text("- DE\n")
    (tmp_path / "open.yaml").write_text("region: [DE\n")
    (tmp_path / "latin.yaml").write_bytes("name: Zürich\n".encode("latin-1"))
    (tmp_path / "training.yaml").write_text("hardware: {hours: 1, devices: 8, power_w: .inf}\n")
    for name in ("junk.csv", "junk.json", "junk.yaml", "junk.parquet", "junk.trace", "junk.npz"):
        (tmp_path / name).write_bytes(bytes(range(256)))
    (tmp_path / "junk.trace.gz").write_bytes(b"\x1f\x8b\x08" + bytes(range(60)))
    (tmp_path / "token").write_text("wm_0123456789ab_0123456789")
    (tmp_path / "folder").mkdir()
    for name in ("full.csv", "full.json", "full.parquet", "full.svg", "full.png", "full.md"):
        (tmp_path / name).symlink_to("/dev/full")
    editions = tmp_path / "editions"
    editions.mkdir()
    (editions / "2026-H1.json").write_bytes(bytes(range(256)))
    return tmp_path


@pytest.fixture(autouse=True)
def one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """``latest`` is a run that is there, and nothing is measured."""
    run = make_run([make_result(s, *MEASURED[s]) for s in (BASELINE, "openvino/cpu/fp32")])
    for home in (runs, kinds):
        stored = home.load
        monkeypatch.setattr(
            home, "load", lambda name, stored=stored: run if name == "latest" else stored(name)
        )
    monkeypatch.setattr(runs, "run", lambda *_, **__: run)
    kept = runs.bundle
    monkeypatch.setattr(
        runs, "bundle", lambda name: bundle_of(run) if name == "latest" else kept(name)
    )


NO_SPACE = os.strerror(errno.ENOSPC)
ENDPOINT = "run --endpoint http://127.0.0.1:9 --model m --qps 1 --requests 1"
LOADTEST = "loadtest http://127.0.0.1:9 --model m --qps 1 --requests 1"

#: What is typed, what the answer holds, and the exit code.
TABLE = [
    # Numbers
    ("impact 1kWh --region FR --pue nan", "'--pue': nan is not a finite number", 2),
    ("impact 1kWh --region FR --wue-site inf", "'--wue-site': inf is not a finite", 2),
    ("impact 1kWh --region FR --market-carbon nan", "'--market-carbon': nan", 2),
    ("impact 1kWh --region FR --pue much", "'--pue'", 2),
    ("impact 1kWh --region FR --pue 0.5", "pue", 2),
    ("impact nankWh --region FR", "there is no run yet", 2),
    ("impact 1kWh --volume nan/day", "nan/day", 2),
    ("impact 1kWh --site nan.yaml", "nan.yaml: pue", 2),
    ("impact 1kWh --price infEUR/kWh", "price", 2),
    ("lifetime --training training.yaml --inference 1Wh --volume 1/day", "hardware.power_w", 2),
    ("lifetime --training nan.yaml --inference 1Wh --volume 1/day --years nan", "'--years'", 2),
    ("rate ok.csv --level nan", "'--level'", 2),
    ("rate ok.csv --level 7", "level: 7 is not between 0 and 1", 2),
    ("rate ok.csv --seed 99999999999999999999", "'--seed': the number has more than 64 bits", 2),
    ("rate ok.csv --seed -1", "'--seed'", 2),
    ("meter validate --seed -1 --repeats 1", "'--seed'", 2),
    ("rate ok.csv --what-if noise=nan%", "'nan%' is not a noise", 2),
    ("advise --max-accuracy-loss nan%", "nan%", 2),
    ("run --qps nan", "'--qps': nan", 2),
    ("run --budget infs", "infs", 2),
    ("sweep --batch 1,x", "1,x", 2),
    (f"{ENDPOINT} --timeout nans", "nans", 2),
    (f"{LOADTEST} --timeout nans", "nans", 2),
    ("meter calibrate --watts-idle nan --watts-full 3", "'--watts-idle': nan", 2),
    ("meter record new.trace --hz nan", "'--hz'", 2),
    ("meter validate --window nan --truth power.csv --sensor power.csv", "'--window'", 2),
    ("serve x --port 99999999999999999999", "'--port'", 2),
    ("board serve --port 70000", "'--port'", 2),
    # Names
    ("nonsense", "No such command 'nonsense'", 2),
    ("rnu", "Did you mean 'run'", 2),
    ("run --no-such-option", "--no-such-option", 2),
    ("list tsks", "'tsks' is not one of", 2),
    ("show no-such-run", "there is no run yet", 2),
    ("show model", "wattmark list models", 2),
    ("report no-such-run", "there is no run yet", 2),
    ("export no-such-run --format csv", "there is no run yet", 2),
    ("export latest --format xyz", "xyz", 2),
    ("pareto no-such-run", "there is no run yet", 2),
    ("overview no-such-run", "there is no run yet", 2),
    ("advise no-such-run", "there is no run yet", 2),
    ("impact latest --setup x", "unknown setup 'x'", 2),
    ("impact 1kWh --region Atlantis", "Atlantis", 2),
    ("impact 1kWh --compare FR,Atlantis", "Atlantis", 2),
    ("impact 1kWh --device abacus", "abacus", 2),
    ("run --resume no-such-run", "there is no run yet", 2),
    ("rate ok.csv --by colour", "no column 'colour'", 2),
    ("rate ok.csv --rule best", "best", 2),
    ("rate ok.csv --what-if luck", "luck", 2),
    ("label x --edition tomorrow", "tomorrow", 2),
    ("edition open tomorrow --dir fresh", "'tomorrow' is not a half-year", 2),
    ("edition open ../x", "'../x' is not a half-year", 2),
    ("edition freeze 2031-H1", "there is no edition '2031-H1'", 2),
    ("edition diff 2031-H1 2031-H2", "there is no edition '2031-H1'", 2),
    ("meter record new.trace --meter abacus", "unknown meter 'abacus'", 2),
    ("meter calibrate --meter abacus", "unknown meter 'abacus'", 2),
    ("meter validate --class x --truth power.csv --sensor power.csv", "'x'", 2),
    ("serve no-such-model", "no-such-model", 2),
    ("sweep --only x", "unknown setup 'x'", 2),
    ("board queue --status x", "x", 2),
    ("board accept 0000", "0000", 2),
    ("board edition open tomorrow", "tomorrow", 2),
    ("board token create ci --scope all", "'all' is not a scope", 2),
    ("board token revoke 0000", "0000", 2),
    ("board submit latest --to nowhere", "no token", 2),
    ("board submit latest --to nowhere --token-file token", "nowhere", 2),
    ("board verify --database nonsense://x", "URL cannot be used", 1),
    # Files that are read
    ("run nowhere.yaml", "no plan file 'nowhere.yaml'", 2),
    ("run folder", "folder", 2),
    ("run junk.yaml", "junk.yaml", 2),
    ("run latin.yaml", "latin.yaml: not UTF-8 text", 2),
    ("plan check twice.yaml", "twice.yaml: line 2: key 'region' is given twice", 2),
    ("plan check deep.json", "deep.json", 2),
    ("plan check list.yaml", "list.yaml: a plan consists of", 2),
    ("impact 1kWh --site nowhere.yaml", "nowhere.yaml cannot be read: No such file", 2),
    ("impact 1kWh --site folder", "folder cannot be read: Is a directory", 2),
    ("impact 1kWh --site ok.csv/x", "ok.csv/x cannot be read: Not a directory", 2),
    ("impact 1kWh --site twice.yaml", "twice.yaml: line 2: key 'region' is given twice", 2),
    ("impact 1kWh --site open.yaml", "open.yaml: line 2", 2),
    ("impact 1kWh --site latin.yaml", "latin.yaml: not UTF-8 text", 2),
    ("impact 1kWh --site list.yaml", "list.yaml: a site is a mapping", 2),
    ("impact 1kWh --site junk.yaml", "junk.yaml", 2),
    ("lifetime --training list.yaml --inference 1Wh --volume 1/day", "a training is a map", 2),
    ("export latest --format csv --training junk.yaml", "junk.yaml", 2),
    ("rate nowhere.csv", "nowhere.csv cannot be read", 2),
    ("rate ok.txt", "ok.txt: a table is read from .csv, .parquet or .json", 2),
    ("rate folder", "a table is read from", 2),
    ("rate twice.csv", "twice.csv: two columns are called 'task'", 2),
    ("rate latin.csv --by task", "latin.csv: column 'task' is not UTF-8 text", 2),
    ("rate words.csv", "column 'energy_wh' is not of numbers", 2),
    ("rate object.json", "object.json cannot be read as a table: it is no list of objects", 2),
    ("rate cut.json", "cut.json cannot be read", 2),
    ("rate deep.json", "deep.json cannot be read", 2),
    ("rate junk.csv", "junk.csv", 2),
    ("rate junk.json", "junk.json cannot be read", 2),
    ("rate junk.parquet", "junk.parquet cannot be read", 2),
    ("rate ok.csv --rule absolute --limits junk.yaml", "junk.yaml", 2),
    ("rate ok.csv --rule absolute --limits nan.yaml", "nan.yaml is no file of limits", 2),
    ("edition verify 2026-H1", "2026-H1.json: not a valid edition", 1),
    ("edition freeze 2026-H1", "2026-H1.json: not a valid edition", 2),
    ("label x --edition 2026-H1", "2026-H1.json: not a valid edition", 2),
    ("meter replay nowhere.trace", "nowhere.trace cannot be read: No such file", 2),
    ("meter replay folder", "folder cannot be read: Is a directory", 2),
    ("meter replay junk.trace", "junk.trace, line 1", 2),
    ("meter replay junk.trace.gz", "junk.trace.gz", 2),
    ("meter validate --truth nowhere.csv --sensor power.csv", "nowhere.csv cannot be read", 2),
    ("meter validate --truth other.csv --sensor power.csv", "other.csv has no column 't_s'", 2),
    ("meter validate --truth junk.csv --sensor power.csv", "junk.csv cannot be read", 2),
    (f"{ENDPOINT} --api oip-v2 --prompts nowhere.npz", "nowhere.npz cannot be read", 2),
    (f"{ENDPOINT} --api oip-v2 --prompts junk.npz", "junk.npz is not an .npz file", 2),
    (f"{ENDPOINT} --api openai --prompts junk.csv", "junk.csv are not UTF-8 text", 2),
    (f"{ENDPOINT} --api openai --prompts folder", "folder cannot be read: Is a directory", 2),
    ("board submit latest --to https://b.example --token-file nowhere", "nowhere cannot be", 2),
    ("board submit latest --to https://b.example --token-file junk.csv", "junk.csv cannot", 2),
    # Files that are written
    ("rate ok.csv --out nowhere/x.csv", "nowhere/x.csv: No such file or directory", 2),
    ("rate ok.csv --out ok.csv/x.csv", "ok.csv/x.csv: Not a directory", 2),
    ("rate ok.csv --out folder", "folder: a table is written as .csv, .parquet or .json", 2),
    ("rate ok.csv --out full.csv", f"full.csv: {NO_SPACE}", 1),
    ("rate ok.csv --out full.json", f"full.json: {NO_SPACE}", 1),
    ("rate ok.csv --out full.parquet", f"full.parquet: {NO_SPACE}", 1),
    ("rate ok.csv --by task --write-limits nowhere/x", "nowhere/x: No such file", 2),
    ("rate ok.csv --by task --write-limits full.md", f"full.md: {NO_SPACE}", 1),
    ("report latest -o nowhere/x.md", "nowhere/x.md: No such file or directory", 2),
    ("report latest -o folder", "folder: Is a directory", 2),
    ("report latest -o full.md", f"full.md: {NO_SPACE}", 1),
    ("export latest --format csv -o full.csv", f"full.csv: {NO_SPACE}", 1),
    ("export latest --format csv -o nowhere/e.csv", "nowhere/e.csv: No such file", 2),
    ("run --report nowhere/x.html", "nowhere/x.html: No such file", 2),
    ("run --report full.md", f"full.md: {NO_SPACE}", 1),
    ("pareto latest --plot full.svg", f"full.svg: {NO_SPACE}", 1),
    ("pareto latest --plot nowhere/p.png", "nowhere/p.png: No such file", 2),
    ("pareto latest --plot p.bmp", "p.bmp: a chart is written as .svg or .png", 2),
    ("edition open 2026-H2 --dir ok.csv", "ok.csv", 2),
    ("meter record nowhere/x.trace --for 1s", "nowhere/x.trace cannot be written", 1),
    ("meter record ok.csv --for 1s", "ok.csv is there already", 1),
]


@pytest.mark.parametrize(("typed", "told", "code"), TABLE, ids=[row[0] for row in TABLE])
def test_a_verb_says_what_is_wrong(wattmark: Ask, typed: str, told: str, code: int) -> None:
    answer = wattmark(*typed.split())

    assert told in " ".join((answer.out + answer.err).split())
    assert answer.code == code


def test_every_verb_is_in_the_table() -> None:
    typed = {row[0].split()[0] for row in TABLE}

    assert set(verbs.VERBS) - typed == {"doctor"}  # which is given nothing


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the command line, with the words that name it."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_every_verb_that_takes_a_number_wants_a_finite_one(wattmark: Ask) -> None:
    seen = 0
    for path, command in commands(get_command(app)):
        for option in command.params:
            if option.type_descriptor.annotation is float:
                seen += 1
                answer = wattmark(*path, f"{option.opts[0]}=nan", *["x"] * 3)
                assert answer.code == 2, (path, option.name)

    assert seen > 10


def test_the_list_of_verbs_says_what_their_help_says() -> None:
    group: Any = get_command(app)

    for name, verb in verbs.VERBS.items():
        assert group.get_command(None, name).help.partition("\n")[0] == verb.help


def test_the_help_of_every_verb_can_be_shown(wattmark: Ask) -> None:
    for path, _ in commands(get_command(app)):
        answer = wattmark(*path, "--help")
        assert answer.code == 0 and "Usage: wattmark" in answer.out


@pytest.mark.parametrize(
    ("error", "told", "code"),
    [
        (KeyboardInterrupt(), "wattmark: interrupted", 130),
        (MemoryError(), "memory", 1),
        (PermissionError(errno.EACCES, "", "site.yaml"), "site.yaml: Permission denied", 2),
        (OSError(errno.EROFS, "", "runs.db"), "runs.db: Read-only file system", 1),
        (OSError(errno.EMFILE, ""), "Too many open files", 1),
        (OSError("strange"), "strange", 1),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, ""), "not utf-8 text (byte 0)", 2),
        (ModuleNotFoundError("", name="segno"), "the package segno is not installed", 2),
        (ZeroDivisionError("division by zero"), "a defect of Wattmark", 70),
        (RuntimeError(), "RuntimeError: it says no more", 70),
    ],
)
def test_whatever_goes_wrong_is_a_sentence_and_an_exit_code(
    wattmark: Ask, monkeypatch: pytest.MonkeyPatch, error: BaseException, told: str, code: int
) -> None:
    def load(name: str) -> None:
        raise error

    monkeypatch.setattr(kinds, "load", load)
    answer = wattmark("report", "latest")

    assert (answer.code, answer.out) == (code, "")
    assert told in answer.err
    assert answer.err.startswith("wattmark: ") and answer.err.count("\n") == 1


def test_a_database_that_is_locked_or_damaged_is_said(
    wattmark: Ask, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk / "data").mkdir()
    (desk / "data" / "wattmark.db").write_bytes(bytes(range(256)) * 64)
    answer = wattmark("list", "runs")
    assert (answer.code, answer.out) == (1, "")
    assert "wattmark.db" in answer.err

    import sqlite3

    from sqlalchemy.exc import OperationalError

    def summaries() -> None:
        raise OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked"))

    monkeypatch.setattr(kinds, "listed", summaries)
    answer = wattmark("list", "runs")
    assert answer.code == 1
    assert answer.err == "wattmark: the database cannot be used: database is locked\n"


def test_a_data_folder_that_is_a_file_is_said(
    wattmark: Ask, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATTMARK_DATA", str(desk / "ok.csv"))

    answer = wattmark("list", "runs")

    assert answer.code == 1
    assert "ok.csv" in answer.err


def test_a_value_that_a_record_refuses_is_said_by_field() -> None:
    from pydantic import ValidationError

    from wattmark.impact.site import Site

    with pytest.raises(ValidationError) as refused:
        Site(pue=float("nan"))

    assert failures.failure(refused.value).sentence.startswith("a value does not fit: pue")
    assert failures.failure(refused.value).exit_code == 2


def test_settings_of_instruments_that_cannot_be_read_are_said(
    wattmark: Ask, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("junk.yaml", "latin.yaml", "list.yaml", "open.yaml", "twice.yaml", "folder"):
        monkeypatch.setenv("WATTMARK_METERS", str(desk / name))
        answer = wattmark("list", "meters")
        assert answer.code == 2
        assert name in answer.err


def test_an_edition_that_cannot_be_written_stays_as_it_was(
    wattmark: Ask, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editions = Editions(desk / "fresh")
    editions.open("2026-H1", "quintile")
    before = (desk / "fresh" / "2026-H1.json").read_bytes()

    def full(self: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, NO_SPACE)

    monkeypatch.setattr(Path, "write_bytes", full)
    answer = wattmark("edition", "add", "2026-H1", "latest", "--dir", desk / "fresh")

    assert answer.code in (1, 2)
    assert [p.name for p in (desk / "fresh").iterdir()] == ["2026-H1.json"]
    assert (desk / "fresh" / "2026-H1.json").read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"seed": 2**60}, "seed"),
        ({"seed": -1}, "seed"),
        ({"resamples": 10**15}, "resamples"),
        ({"previous": "2027-H1", "previous_digest": "0"}, "previous"),
        ({"previous": "2029-H2", "previous_digest": "0"}, "previous"),
        ({"name": "2026-H1"}, "name"),
        ({"edition_version": 99}, "edition_version"),
        ({"rule": "absolute"}, "limits"),
        ({"rule": "best"}, "best"),
        ({"stars": [{"stars": 9}]}, "stars.0"),
        ({"limits": {"x": [1, 2, 3, float("inf")]}, "rule": "absolute"}, "limits"),
        ({"closes": 5}, "closes"),
        ({"surplus": 5}, "surplus"),
    ],
)
def test_an_edition_that_was_changed_by_hand_is_not_valid(
    wattmark: Ask, desk: Path, changed: dict[str, object], field: str
) -> None:
    made = Editions(desk / "fresh").open("2027-H1", "quintile").model_dump(mode="json")
    made |= {"digest": "0" * 64, "frozen_on": "2027-06-01"}
    (desk / "fresh" / "2027-H1.json").write_text(json.dumps(made | changed))

    answer = wattmark("edition", "verify", "2027-H1", "--dir", desk / "fresh")

    assert answer.code in (1, 2)
    assert field in answer.out + answer.err


def test_a_server_that_is_not_there_is_said(wattmark: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise EndpointError("nobody listens")

    monkeypatch.setattr(endpoint_runs, "run_endpoint", nobody)
    answer = wattmark(*ENDPOINT.split(), "--api", "openai")

    assert (answer.code, answer.err) == (1, "wattmark: nobody listens\n")


def spoken_in(encoding: str, monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    """What the command prints on a terminal of that encoding."""
    terminal = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["wattmark", *words])
        patch.setattr(sys, "stdout", terminal)
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 0
    return terminal.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_terminal_without_a_character_gets_another(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    said = spoken_in(encoding, monkeypatch, "impact", "1kWh", "--region", "FR")

    assert "energy given in France" in said


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_run_is_shown_in_a_terminal_that_has_no_lines(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    said = spoken_in(encoding, monkeypatch, "show", "latest")

    assert BASELINE in said and "| " in said


def test_the_encoding_of_the_environment_is_that_of_the_terminal() -> None:
    command = [sys.executable, "-c", "from wattmark.cli import main; main()"]
    done = subprocess.run(
        [*command, "impact", "1kWh", "--region", "FR"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "energy given in France" in done.stdout.decode("ascii")


def test_an_output_that_is_full_is_said_and_one_that_nobody_reads_is_not() -> None:
    command = [sys.executable, "-c", "from wattmark.cli import main; main()", "plan", "schema"]
    with open("/dev/full", "w") as full:  # noqa: PTH123 - not a file on a disk
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"wattmark: {NO_SPACE}")
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr

    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_where_a_defect_came_from_is_shown_for_debugging_alone() -> None:
    code = (
        "import sys; from wattmark.workflows import kinds\n"
        "kinds.load = lambda name: 1 / 0\n"
        "from wattmark.cli import main; sys.argv = ['wattmark', *sys.argv[1:]]; main()"
    )

    def failed(*words: str) -> str:
        command = [sys.executable, "-c", code, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 70
        return done.stderr

    assert "Traceback" not in failed("report", "latest")
    assert "Traceback" in failed("-vv", "report", "latest")
