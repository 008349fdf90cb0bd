"""What the verbs are made of: durations, lists, tables, progress, characters, checks of values."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from rich.console import Console
from synthetic_run import BASELINE
from typer.testing import CliRunner

from wattmark.cli import columns as columns_module
from wattmark.cli import progress, table
from wattmark.cli.checked_command import CheckedCommand
from wattmark.cli.doctor import _cells, _seconds
from wattmark.cli.durations import parse_duration_s
from wattmark.cli.lists import parse_list
from wattmark.cli.main import app
from wattmark.cli.progress import Progress
from wattmark.cli.terminal import _plain, degrade_characters
from wattmark.cli.verbs import VERBS
from wattmark.conduct.events import Event, Stage
from wattmark.reports.cells import Column, Row, text_cell
from wattmark.reports.cells import Table as TableModel
from wattmark.reports.shown import Shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("50ms", 0.05), ("4m", 240), ("1.5h", 5400), ("0.5", 0.5)],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["0", "-1s", "soon", "", "inf", "nan", "3d", "ms"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a duration such as 50ms, 90s, 4m or 1h"):
        parse_duration_s(text)


def test_a_list_is_read_word_by_word() -> None:
    assert parse_list("1,2,4", int, "sizes") == [1, 2, 4]
    assert parse_list("0.5", float, "rates") == [0.5]
    with pytest.raises(typer.BadParameter, match="'1,x' is not a list of sizes such as 1,2,4"):
        parse_list("1,x", int, "sizes")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (2**63, "more than 64 bits"),
        (-(2**63) - 1, "more than 64 bits"),
        (2**63 - 1, ""),
        (-(2**63), ""),
        (0, ""),
    ],
)
def test_a_number_has_64_bits(value: int, told: str) -> None:
    holder = typer.Typer()

    @holder.command(cls=CheckedCommand)
    def verb(number: int = 0) -> None:
        typer.echo(f"{number}")

    done = CliRunner().invoke(holder, [f"--number={value}"])
    assert done.exit_code == (2 if told else 0)
    assert told in done.output


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_each_number_of_a_list_is_looked_at(value: str) -> None:
    holder = typer.Typer()

    @holder.command(cls=CheckedCommand)
    def verb(number: list[float], name: str = "") -> None:
        typer.echo("done")

    runner = CliRunner()
    assert runner.invoke(holder, ["1.5", "2"]).output == "done\n"
    wrong = runner.invoke(holder, ["1", "--", value])
    assert wrong.exit_code == 2 and f"{value} is not a finite number" in wrong.output
    for text in ("a\ud800", "\udfff"):
        wrong = runner.invoke(holder, ["1", "--name", text])
        assert wrong.exit_code == 2 and "is not text in" in wrong.output
    assert runner.invoke(holder, ["1", "--name", "\ud7ff\ue000"]).exit_code == 0


# doctor


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (2.5, "2.5 s"),
        (1.0, "1 s"),
        (0.02, "20 ms"),
        (0.001, "1 ms"),
        (3.14159e-5, "31.4 µs"),
        (1e-6, "1 µs"),
        (5e-7, "500 ns"),
    ],
)
def test_a_time_is_told_in_the_unit_that_suits_it(seconds: float | None, text: str) -> None:
    assert _seconds(seconds) == text


def a_meter(**changes: Any) -> dict[str, Any]:
    return {
        "name": "plug", "available": True, "domains": ["node", "cpu"], "grade": "metered",
        "scope": "machine", "by_name_only": False, "update_period_s": 1.0, "read_cost_s": 0.002,
        "reason": None, "detail": "a plug",
    } | changes  # fmt: skip


def test_the_row_of_a_meter() -> None:
    assert _cells(a_meter()) == ("plug", "ok", "node, cpu", "metered", "machine", "1 s", "2 ms")
    assert _cells(a_meter(by_name_only=True))[1] == "ok (if named)"
    nothing = dict.fromkeys(("domains", "grade", "scope", "update_period_s", "read_cost_s"))
    gone = a_meter(available=False, reason="permission", **nothing)
    assert _cells(gone) == ("plug", "permission", "", "", "", "", "")


def test_doctor_tells_what_is_here_before_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from wattmark.workflows import diagnosis

    meters = [a_meter(available=False, name="rapl", reason="permission", detail="do"), a_meter()]
    frameworks = [
        {"name": "jax", "available": True, "detail": "jax 1"},
        {"name": "openvino", "available": False, "detail": "pip install it"},
    ]
    monkeypatch.setattr(diagnosis, "diagnose", lambda: {"meters": meters, "frameworks": frameworks})
    said = [" ".join(x.split()) for x in CliRunner().invoke(app, ["doctor"]).stdout.splitlines()]
    assert said[0] == "meter state domains grade sees updates every a read takes"
    assert said[3:] == [
        "",
        "here",
        "plug: a plug",
        "",
        "missing",
        "rapl: do",
        "",
        "framework state versions, or the cure",
        "jax ok jax 1",
        "openvino missing pip install it",
    ]
    meters.pop(0)
    assert "\nmissing\n" not in CliRunner().invoke(app, ["doctor"]).stdout


# tables


def test_columns_of_a_pipe_are_not_folded(capsys: pytest.CaptureFixture[str]) -> None:
    columns_module.stdout().print(columns_module.columns(["a", "b"], [["x" * 180, "[b]y[/b]"]]))
    said = capsys.readouterr().out.splitlines()
    assert [line.rstrip() for line in said] == [
        "a" + " " * 179 + "  b",
        "x" * 180 + "  [b]y[/b]",
    ]
    assert columns_module.stdout().width == 400
    assert columns_module.stdout(77).width == 77


def a_table(*rows: Row) -> TableModel:
    return TableModel(
        (
            Column("setup", "Setup", numeric=False),
            Column("a", "Energy per query", "J"),
            Column("b", "Metric"),
        ),
        rows,
    )


def a_row(name: str, *cells: str, **changes: Any) -> Row:
    fields: dict[str, Any] = {"baseline": False, "gate_passed": None, "failure": ""}
    return Row(trial=name, cells=tuple(map(text_cell, (name, *cells))), **fields | changes)


def test_a_column_needs_its_longest_cell_or_the_longest_word_of_its_heading() -> None:
    rows = (a_row("x", "123456789", "1"), a_row("much longer", "y" * 50, "2", failure="it failed"))
    assert table._needed_widths(a_table(*rows)) == [11, 9, 6]
    assert table._needed_widths(a_table()) == [5, 6, 6]


def test_columns_are_put_on_as_few_pages_as_fit_with_the_first_on_each() -> None:
    # a border and two spaces beside each, and the last border
    whole = 1 + (10 + 3) + (5 + 3) + (6 + 3)
    assert table._pages([10, 5, 6], whole) == [[0, 1, 2]]
    assert table._pages([10, 5, 6], whole - 1) == [[0, 1], [0, 2]]
    assert table._pages([10, 5, 6], 1) == [[0, 1], [0, 2]]
    assert table._pages([10], 80) == []


def test_the_baseline_is_bold_and_what_does_not_count_is_dim() -> None:
    assert table._style(a_row("x")) == ""
    assert table._style(a_row("x", baseline=True)) == "bold"
    assert table._style(a_row("x", baseline=True, gate_passed=False)) == "dim"
    assert table._style(a_row("x", gate_passed=True)) == ""
    assert table._style(a_row("x", failure="it failed")) == "dim"


def printed(shown: Shown, monkeypatch: pytest.MonkeyPatch, width: int) -> list[str]:
    out = io.StringIO()
    monkeypatch.setattr(table, "stdout", lambda _: Console(file=out, width=width))
    table.print_shown(shown)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_what_is_shown_stands_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    model = a_table(a_row("x", "1", "2"))
    shown = Shown("A run", model, ("It is so.",), (("More", model),), ("A remark",))
    said = printed(shown, monkeypatch, 60)
    assert said[0].strip() == "A run" and said[-2:] == ["A remark", "• It is so."]
    assert sum("More" in line for line in said) == 1
    row = next(line for line in said if "x" in line)
    assert (
        row == "│ x     │                   1 │      2 │"
    )  # figures to the right, names to the left

    narrow = printed(shown, monkeypatch, 24)
    assert sum("A run" in line for line in narrow) == 1
    assert sum("Setup" in line for line in narrow) >= 3


def test_a_single_row_may_stand_upright(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Shown("A load", a_table(a_row("x", "1", "2")), (), upright=True)
    said = printed(shown, monkeypatch, 60)
    assert [line for line in said if "│" in line] == [
        "│ Setup               │ x │",
        "│ Energy per query, J │ 1 │",
        "│ Metric              │ 2 │",
    ]


# progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """What the clock shows; 100 s at first."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    yield now


def test_progress_in_a_file_has_a_line_a_stage(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress() as tell:
        tell(Event(Stage.DATA, 0, 1))
        clock[0] += 61.9
        tell(Event(Stage.PREPARE, 1, 2, trial=BASELINE))
        tell(Event(Stage.PREPARE, 2, 2, trial="other", text="cached"))
        tell(Event(Stage.MEASURE, 1, 9, remaining_s=12.4))
        tell(Event(Stage.MEASURE, 2, 9))
        clock[0] += 1000
        tell(Event(Stage.FAILED, 0, 1, trial="other", text="it died"))
        tell(Event(Stage.IDLE, 1, 1))
    assert capsys.readouterr().err.splitlines() == [
        "0:00 Model and data",
        f"1:01 Prepare  1/2  {BASELINE}",
        "1:01 Prepare  2/2  other  cached",
        "1:01 Measure  1/9  about 12 s left",
        "failed other: it died",
        "17:41 Power at idle",
    ]


def test_progress_that_is_not_shown_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(show=False) as tell:
        tell(Event(Stage.FAILED, 0, 1, trial="x", text="it died"))
        tell(Event(Stage.DATA, 0, 1))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("done", "total", "cells"), [(1, 4, 6), (9, 4, 24), (0, 4, 0), (1, 0, 0)])
def test_a_bar_is_as_long_as_what_is_done(
    clock: list[float], done: int, total: int, cells: int
) -> None:
    grid = Progress()._line(Event(Stage.MEASURE, done, total))
    elapsed, bar, text = (next(iter(column.cells)) for column in grid.columns)
    assert (elapsed, len(bar.plain)) == ("0:00", 24)  # type: ignore[union-attr]
    rest = [(span.start, span.style) for span in bar.spans]  # type: ignore[union-attr]
    assert rest == ([(cells, "dim")] if cells < 24 else [])
    assert bar.style == "green"  # type: ignore[union-attr]
    assert str(text).startswith("Measure")


def test_every_stage_but_a_failure_has_a_label() -> None:
    assert set(progress._LABELS) == set(Stage) - {Stage.FAILED}


# characters


@pytest.mark.parametrize(
    ("char", "plain"),
    [
        ("─", "-"), ("━", "-"), ("│", "|"), ("┃", "|"), ("┼", "+"), ("╿", "+"), ("┌", "+"),
        ("▀", "#"), ("█", "#"), ("▟", "#"), ("■", "?"), ("µ", "u"), ("…", "..."), ("•", "*"),
        ("→", "->"), ("\u202f", " "), ("é", "?"), ("\u24ff", "?"),
    ],
)  # fmt: skip
def test_another_character_stands_in(char: str, plain: str) -> None:
    assert _plain(char) == plain


def test_a_stream_prints_every_text(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    degrade_characters()
    out.write("a µ–é│b")
    err.write("≤")
    out.flush()
    err.flush()
    assert out.buffer.getvalue() == b"a u-?|b"  # type: ignore[attr-defined]
    assert err.buffer.getvalue() == b"<="  # type: ignore[attr-defined]
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", "wattmark.stand_ins")


# the command itself


def test_the_command_lists_its_verbs_and_names_near_ones() -> None:
    runner = CliRunner()
    said = runner.invoke(app, ["--help"]).output
    order = [line.split()[0] for line in said.partition("Commands")[2].splitlines() if line.strip()]
    assert [word for word in order if word in VERBS] == list(VERBS)
    assert runner.invoke(app, []).output == said
    assert "Did you mean" not in runner.invoke(app, ["qqqq"]).output
    assert "Did you mean 'show'?" in runner.invoke(app, ["shw"]).output
    assert runner.invoke(app, ["--version"]).output.startswith("wattmark ")


@pytest.mark.parametrize(
    ("flags", "level"), [([], 30), (["-v"], 20), (["--verbose"], 20), (["-vv"], 10),
                         (["--debug"], 10), (["-v", "-vv"], 10)],
)  # fmt: skip
def test_how_much_is_said(monkeypatch: pytest.MonkeyPatch, flags: list[str], level: int) -> None:
    asked: list[int] = []
    monkeypatch.setattr(logging, "basicConfig", lambda **how: asked.append(how["level"]))
    monkeypatch.setattr("wattmark.workflows.kinds.listed", list)
    assert CliRunner().invoke(app, [*flags, "list", "runs"]).exit_code == 0
    assert asked == [level]
