"""From the exported results anybody gets the same stars; spreadsheets run nothing of them."""

from __future__ import annotations

import csv
import io
import json
import shlex
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from api_boards import ADDRESS, API, client_of
from boards import a_run, accepted
from hypothesis import given
from hypothesis import strategies as st
from synthetic_run import MEASURED, make_result, make_run
from typer.testing import CliRunner

from wattmark.board.shelf import standings, tables, tables_out, times
from wattmark.board.shelf.database import Database
from wattmark.board.shelf.tables_out import Form
from wattmark.cli.main import app
from wattmark.editions.rating_table import read_table
from wattmark.records import Run

EDITION = standings.half_year(times.today())
ADDED = ("stars", "star_probability", "boundary_distance_pct", "unrated_reason")


def on_machine(run: Run, cpu_model: str) -> Run:
    environment = run.environment.model_copy(update={"cpu_model": cpu_model})
    return run.model_copy(update={"environment": environment})


def without_energy(number: int, model: str) -> Run:
    """A run in which every second setup was not metered, and so is not rated."""
    results = [
        make_result(label, latency, ratio, right, energy=bool(n % 2))
        for n, (label, (latency, ratio, right)) in enumerate(MEASURED.items())
    ]
    made = make_run(results, id=f"20260101-13{number:04d}-quickstart")
    return a_run(number, model=model).model_copy(update={"results": made.results, "id": made.id})


@pytest.fixture(scope="module")
def filled(shared_database: Database) -> Database:
    """A board that is only read."""
    return with_populations(shared_database)


@pytest.fixture(scope="module")
def frozen(second_database: Database) -> Database:
    """The same, and the edition is frozen."""
    with with_populations(second_database).writing() as connection:
        standings.freeze(connection, EDITION, times.today(), by="test")
    return second_database


def with_populations(database: Database) -> Database:
    """Several populations: a large one, one with figures missing, and one under five."""
    accepted(
        database,
        a_run(1, model="one"),
        a_run(2, model="two"),
        on_machine(a_run(3, model="one"), "Intel Xeon 8480+"),
        on_machine(without_energy(4, "minilm-l6-sentiment"), "Apple M4"),
        on_machine(make_run([make_result("pytorch/eager/fp32", 17.1, 1.0, 842)]), "Raspberry Pi 5"),
    )
    with database.writing() as connection:  # as where several domains were added up
        of_intel = tables.results.c.hardware == "Intel Xeon 8480+"
        connection.execute(tables.results.update().where(of_intel).values(energy_level=0.8))
        standings.rerate(connection, EDITION)
    return database


def url_of(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def command(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("board", ["filled", "frozen"])
def test_the_shown_command_gives_the_stars_of_the_board(
    filled: Database,
    frozen: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: Form,
    board: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    file = f"{EDITION}.{form}"
    with client_of({"filled": filled, "frozen": frozen}[board]) as client:
        (tmp_path / file).write_bytes(client.get(f"{API}/export/{EDITION}.{form}").content)
    shown = tables_out.recompute_command(EDITION, file=file)
    assert shown.startswith("wattmark rate ")
    command(*shlex.split(shown)[1:])

    rated = read_table(tmp_path / "rated.csv").to_pylist()
    reasons = {row["unrated_reason"] for row in rated} - {"", None}
    assert reasons == {"no_energy", "quality_gate", "population_too_small"}
    assert_same_stars(rated)


def assert_same_stars(rated: list[dict[str, Any]]) -> None:
    """What was computed anew stands beside what the board says, and is the same."""
    assert len(rated) == 37
    assert {row["stars"] for row in rated} > {2, 3, 4}
    for row in rated:
        assert row["stars"] == row["published_stars"], row
        assert row["unrated_reason"] == row["published_unrated_reason"]
        for name in ("star_probability", "boundary_distance_pct"):
            assert row[name] == pytest.approx(row[f"published_{name}"], abs=1e-6)


def test_all_three_forms_hold_the_same(filled: Database) -> None:
    tables_ = {}
    for form in Form:
        file = io.BytesIO()
        with filled.reading() as connection:
            assert tables_out.write(connection, EDITION, file, form) == 37
        tables_[form] = file.getvalue()
    of_parquet = pq.read_table(io.BytesIO(tables_[Form.PARQUET])).to_pylist()
    assert list(of_parquet[0]) == list(tables_out.COLUMNS)
    assert pa.Table.from_pylist(json.loads(tables_[Form.JSON])).to_pylist() == of_parquet
    of_csv = list(csv.DictReader(io.StringIO(tables_[Form.CSV].decode(), newline="")))
    assert [row["result_sha256"] for row in of_csv] == [r["result_sha256"] for r in of_parquet]
    for text, row in zip(of_csv, of_parquet, strict=True):
        energy = row["energy_wh"]
        assert text["energy_wh"] == ("" if energy is None else repr(energy))
        assert text["gate_passed"] in ("true", "false", "")


def test_one_task_is_exported_alone(filled: Database) -> None:
    with client_of(filled) as client:
        path = f"{API}/export/{EDITION}.json"
        assert len(client.get(path, params={"task": "text-classification"}).json()) == 37
        assert client.get(path, params={"task": "none"}).json() == []
        assert client.get(f"{API}/export/1999-H1.json").json()["error"]["code"] == "no_edition"


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        (Form.PARQUET, "application/vnd.apache.parquet"),
        (Form.JSON, "application/json"),
        (Form.CSV, "text/csv; charset=utf-8"),
    ],
)
def test_an_export_is_a_file_with_its_size_and_name(
    filled: Database, form: Form, kind: str
) -> None:
    with client_of(filled) as client:
        response = client.get(f"{API}/export/{EDITION}.{form}")
    assert response.headers["Content-Type"] == kind
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert f'filename="{EDITION}.{form}"' in response.headers["Content-Disposition"]


def test_rows_are_read_in_chunks(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables_out, "_ROWS_AT_ONCE", 10)
    file = io.BytesIO()
    with filled.reading() as connection:
        tables_out.write(connection, EDITION, file, Form.PARQUET)
    written = pq.ParquetFile(file)
    assert [written.metadata.row_group(n).num_rows for n in range(4)] == [10, 10, 10, 7]


def test_a_spreadsheet_takes_no_name_for_a_formula(database: Database) -> None:
    names = {f'{first}HYPERLINK("https://evil.example","x")' for first in "=+-@＝＋－＠'"}
    accepted(database, *(a_run(n, model=name) for n, name in enumerate(sorted(names), 1)))
    with client_of(database) as client:
        text = client.get(f"{API}/export/{EDITION}.csv").content.decode()
        plain = client.get(f"{API}/export/{EDITION}.json").json()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["model"] for row in rows} == {f"'{name}" for name in names}
    assert {row["model"] for row in plain} == names


@given(text=st.text())
def test_a_defused_text_can_be_undone(text: str) -> None:
    found = tables_out.defused(text)
    assert found[:1] not in set("=+-@\t\r\n")
    assert (found.removeprefix("'") if found != text else found) == text
    assert found == text or found.startswith("'")


def test_numbers_stay_numbers(filled: Database, tmp_path: Path) -> None:
    file = tmp_path / "e.csv"
    with filled.reading() as connection, file.open("wb") as out:
        tables_out.write(connection, EDITION, out, Form.CSV)
    schema = pyarrow.csv.read_csv(file).schema
    assert {str(schema.field(n).type) for n in ("energy_wh", "quality", "latency_p50_ms")} == {
        "double"
    }


def test_the_command_names_what_is_not_usual() -> None:
    shown = tables_out.recompute_command(EDITION, task="text/x", rule="absolute", address=ADDRESS)
    source = f"{ADDRESS}{API}/export/{EDITION}.parquet?task=text%2Fx"
    assert shown.splitlines() == [
        f"curl -o {EDITION}.parquet '{source}'",
        f"curl -o {EDITION}.limits.json {ADDRESS}{API}/editions/{EDITION}/limits",
        f"wattmark rate {EDITION}.parquet --by task,class,hardware --value energy_wh "
        f"--gate gate_passed --grade grade --rule absolute --limits {EDITION}.limits.json "
        "--out rated.csv",
    ]


@pytest.mark.parametrize("rule", ["aies-2025", "absolute"])
def test_the_command_gives_the_stars_of_other_rules(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    later = "2999-H1"
    with with_populations(database).writing() as connection:
        standings.freeze(connection, EDITION, times.today(), by="test")
        standings.open_edition(connection, later, rule, by="test")
    monkeypatch.chdir(tmp_path)
    shown = tables_out.recompute_command(later, rule=rule, address=ADDRESS)
    with client_of(database) as client:
        *fetches, rate = (shlex.split(line) for line in shown.splitlines())
        for _, _, to, source in fetches:
            Path(to).write_bytes(client.get(source).content)
    command(*rate[1:])
    assert_same_stars(read_table(tmp_path / "rated.csv").to_pylist())


def test_the_verb_writes_a_file_and_says_how_to_recompute(filled: Database, tmp_path: Path) -> None:
    out = tmp_path / "with space.parquet"
    said = command("board", "export", EDITION, "--out", out, "--database", url_of(filled))
    assert "37 results" in said
    assert len(pq.read_table(out)) == 37
    command(*shlex.split(said.splitlines()[-1])[1:-1], tmp_path / "rated.json")
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize(
    ("edition", "out", "says"),
    [
        ("1999-H1", "x.csv", "unknown edition"),
        (EDITION, "x.xlsx", ".parquet, .json or .csv"),
        (EDITION, "none/x.csv", "cannot be written"),
    ],
)
def test_what_cannot_be_exported_is_a_clear_error(
    filled: Database, tmp_path: Path, edition: str, out: str, says: str
) -> None:
    arguments = ["board", "export", edition, "--out", str(tmp_path / out)]
    done = CliRunner().invoke(app, [*arguments, "--database", url_of(filled)])
    assert says in str(done.exception)


def test_an_export_that_others_wait_for_is_refused(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = BoundedSemaphore(1)
    taken.acquire()
    monkeypatch.setattr("wattmark.board.api.export._AT_A_TIME", taken)
    with client_of(filled) as client:
        response = client.get(f"{API}/export/{EDITION}.csv")
    assert response.status_code == 429 and response.headers["Retry-After"] == "5"
