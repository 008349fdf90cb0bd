"""``wattmark meter`` and ``wattmark doctor``, with real CPU accounting."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from wattmark.cli.main import app
from wattmark.contracts import Channel, TraceUnit
from wattmark.errors import MeterError, TraceError, UnknownNameError
from wattmark.metrology.trace_file import header_lines, sample_lines
from wattmark.quantities import Grade

METER = ("--meter", "modelled-cpu")


def wattmark(*arguments: object) -> Result:
    """Run a verb that is expected to end well."""
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == 0, done.output
    return done


def refused(*arguments: object) -> BaseException | None:
    """The error of a verb; ``main`` prints its message and returns its exit code."""
    return CliRunner().invoke(app, [str(a) for a in arguments]).exception


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Ten seconds of 50 W, with one sample a second; the sixth could not be read."""
    channel = Channel(
        meter="plug", key="node", domain="node", unit=TraceUnit.JOULES, grade=Grade.METERED
    )
    text = header_lines([channel], 1.0)
    for second in range(11):
        values = {} if second == 5 else {"node": 50.0 * second}
        text += sample_lines([channel], 7_000_000_000 + second * 10**9, values)
    path = tmp_path / "trace.csv"
    path.write_text(text)
    return path


def test_watch_prints_plain_lines_where_there_is_no_terminal() -> None:
    done = wattmark("meter", "watch", *METER, "--every", "0.05s", "--for", "0.1s")

    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all("cpu" in line and "W  modelled  modelled-cpu" in line for line in lines)
    assert "sees single processes" in done.stderr
    assert "\x1b" not in done.stdout


def test_watch_prints_json_lines() -> None:
    done = wattmark("meter", "watch", *METER, "--every", "0.05s", "--for", "0.1s", "--json")

    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first["power"]["unit"] == "W" and first["power"]["grade"] == "modelled"
    assert first["time_s"] < second["time_s"]


def test_record_then_replay_gives_energy(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    said = wattmark("meter", "record", path, *METER, "--hz", 100, "--for", "0.1s").stdout
    assert re.search(r": [1-9][0-9]* samples of modelled-cpu", said)

    (row,) = json.loads(wattmark("meter", "replay", path, "--json").stdout)
    assert row["domain"] == "cpu" and row["gross"]["grade"] == "modelled"
    assert row["gross"]["low"] < row["gross"]["value"]


def test_record_overwrites_nothing(trace: Path) -> None:
    before = trace.read_bytes()
    assert isinstance(refused("meter", "record", trace, *METER), MeterError)
    assert trace.read_bytes() == before


def test_replay_computes_windows_and_says_which_is_missing_and_why(trace: Path) -> None:
    rows = json.loads(wattmark("meter", "replay", trace, "--window", "2s", "--json").stdout)

    assert [(row["from_s"], row["to_s"]) for row in rows] == [
        (0, 2),
        (2, 4),
        (4, 6),
        (6, 8),
        (8, 10),
    ]
    assert [row["gross"]["value"] for row in rows] == [100, 100, None, 100, 100]
    assert rows[2]["gross"]["reason"] == "read_failed"

    table = wattmark("meter", "replay", trace, "--window", "2s").stdout
    assert "100 J" in table and "50 W" in table and "metered" in table
    assert "— (read_failed)" in table and "could not be read at 12000000000 ns" in table


def test_replay_takes_a_part_of_a_trace(trace: Path) -> None:
    (row,) = json.loads(wattmark("meter", "replay", trace, "--from", 6, "--to", 9, "--json").stdout)
    assert row["gross"]["value"] == 150


@pytest.mark.parametrize("asked", [("--from", 11), ("--from", 4, "--to", 3), ("--to", 99)])
def test_replay_refuses_times_outside_of_the_trace(trace: Path, asked: tuple[object, ...]) -> None:
    done = CliRunner().invoke(app, ["meter", "replay", str(trace), *map(str, asked)])
    assert done.exit_code == 2
    assert "within 0 to 10.0 s" in done.stderr


def test_replay_tells_what_was_left_out(trace: Path) -> None:
    trace.write_text(trace.read_text().removesuffix(".0\n"))
    done = wattmark("meter", "replay", trace, "--from", 6)
    assert "line 13 is cut off and was left out" in done.stderr
    assert "150 J" in done.stdout


def test_replay_names_the_line_of_a_broken_trace(trace: Path) -> None:
    trace.write_text(trace.read_text() + "1,plug,node,J,9\n")
    error = refused("meter", "replay", trace)
    assert isinstance(error, TraceError)
    assert (error.line, error.exit_code) == (14, 2)


@pytest.mark.parametrize("verb", [("watch",), ("record", "x.csv")])
def test_an_unknown_meter_comes_with_the_nearest(verb: tuple[str, ...]) -> None:
    error = refused("meter", *verb, "--meter", "modeled-cpu")
    assert isinstance(error, UnknownNameError) and "'modelled-cpu'" in str(error)


FIELDS = {
    "name",
    "available",
    "domains",
    "grade",
    "scope",
    "by_name_only",
    "update_period_s",
    "read_cost_s",
    "reason",
    "detail",
}


def test_doctor_has_the_same_fields_for_every_meter() -> None:
    meters = json.loads(wattmark("doctor", "--json").stdout)["meters"]

    assert all(set(row) >= FIELDS for row in meters)
    (modelled,) = [row for row in meters if row["name"] == "modelled-cpu"]
    assert modelled["domains"] == ["cpu"] and modelled["scope"] == "process"
    assert modelled["read_cost_s"] > 0 and modelled["reason"] is None
    for row in meters:
        assert row["available"] is (row["reason"] is None)
        assert row["detail"]


def test_doctor_prints_a_line_and_a_cure_for_every_meter() -> None:
    findings = json.loads(wattmark("doctor", "--json").stdout)
    said = wattmark("doctor").stdout

    assert "\x1b" not in said
    for row in findings["meters"]:
        state = "ok" if row["available"] else row["reason"]
        (line,) = [x for x in said.splitlines() if x.split()[:2] == [row["name"], state]]
        assert (row["grade"] or "") in line
        assert f"  {row['name']}: " in said


PLAN = """
name: fake
task: fake-task
model: fake-model
setups: [fake/right/fp32]
samples: 20
rounds: 2
"""


@pytest.mark.usefixtures("fake_plugin")
def test_run_takes_instruments_by_name(tmp_path: Path) -> None:
    from wattmark.workflows import runs

    (tmp_path / "plan.yaml").write_text(PLAN)
    plan = runs.read(tmp_path / "plan.yaml")

    named = runs.adjusted(plan, meters=["modelled-cgroup", "modelled-cpu"])

    assert named.meters == ("modelled-cgroup", "modelled-cpu")
    assert runs.adjusted(plan).meters == ()
    error = refused("run", tmp_path / "plan.yaml", "--meter", "modeled-cpu")
    assert error is not None and "'modelled-cpu'" in str(error)


@pytest.mark.slow
@pytest.mark.usefixtures("fake_plugin")
def test_the_result_says_which_instrument_was_used(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    report = tmp_path / "report.html"

    said = wattmark("run", path, "--meter", "modelled-cpu", "--report", report).stdout

    assert "Instrument" in said and "modelled-cpu" in said
    assert "Energy is modelled, by modelled-cpu throughout" in report.read_text()
    shown = json.loads(wattmark("show", "latest", "--json").stdout)
    assert {e["meter"] for r in shown["results"] for e in r["energy"]} == {"modelled-cpu"}
