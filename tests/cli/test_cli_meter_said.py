"""What the verbs of meters hand on and print, with meters that say round figures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from wattmark.cli.main import app
from wattmark.cli.meter import validate
from wattmark.contracts import Channel, TraceUnit
from wattmark.metering import live, meter_calibration, recording
from wattmark.metering.meter_calibration import Step
from wattmark.meters.modelled.calibration_file import read_calibration
from wattmark.metrology import validation
from wattmark.metrology.compared import Compared
from wattmark.metrology.counters import window_without_idle
from wattmark.metrology.trace_file import header_lines, sample_lines
from wattmark.metrology.validation import Row
from wattmark.metrology.windows import SensedEnergy
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import MeterReading


def wattmark(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


# watch


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is watched: a window of 6 J in 2 s, and one that was lost; then Ctrl-C."""
    asked: list[tuple[Any, ...]] = []

    def window(gross: Quantity) -> Any:
        before, after = (MeterReading(time_ns=ns, values={}) for ns in (0, 2 * 10**9))
        return window_without_idle("plug", "node", gross, before, after)

    def watch(meters: Any, every_s: float, seconds: float | None) -> Iterator[Any]:
        asked.append((tuple(meters), every_s, seconds))
        yield 1.26, (window(Quantity.between(6.0, 5.0, 7.0, "J", grade=Grade.METERED)),)
        yield 3.0, (window(Quantity.missing("J", Reason.SENSOR_LOST, "unplugged")),)
        raise KeyboardInterrupt

    monkeypatch.setattr(live, "watch", watch)
    return asked


def test_watch_shows_mean_power_a_second_of_the_best_meters(watched: list[Any]) -> None:
    done = wattmark("meter", "watch")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "1.3 s  node  3.00 [2.50, 3.50] W  metered  plug",
        "3.0 s  node  — (sensor_lost)  unplugged  plug",
    ]
    assert watched == [((), 1.0, None)]


def test_what_watch_is_asked_arrives(watched: list[Any]) -> None:
    names = ("modelled-cpu", "modelled-cgroup")
    line = [word for name in names for word in ("--meter", name)]
    done = wattmark("meter", "watch", *line, "--every", "250ms", "--for", "2m", "--json")
    assert watched == [(names, 0.25, 120.0)]
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["time_s"], first["meter"], first["domain"]) == (1.26, "plug", "node")
    assert (first["power"]["value"], first["power"]["unit"]) == (3.0, "W")
    assert second["power"]["reason"] == "sensor_lost"


# record


class FakeRecording:
    """Records nothing, and says what it was asked."""

    made: list[FakeRecording] = []
    failed = 0
    left_out: list[str] = []

    def __init__(self, file: Path, meters: Any, period_s: float) -> None:
        self.asked = (str(file), tuple(meters), period_s)
        self.samples = 12
        self.meters = ("plug", "rapl")
        self.ran: list[float | None] = []
        self.closed = False
        self.made.append(self)

    def __enter__(self) -> FakeRecording:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def run(self, seconds: float | None) -> None:
        self.ran.append(seconds)
        if seconds is None:
            raise KeyboardInterrupt


@pytest.fixture
def recordings(monkeypatch: pytest.MonkeyPatch) -> list[FakeRecording]:
    monkeypatch.setattr(recording, "Recording", FakeRecording)
    monkeypatch.setattr(FakeRecording, "made", [])
    return FakeRecording.made


def test_record_takes_ten_samples_a_second_until_ctrl_c(recordings: list[FakeRecording]) -> None:
    done = wattmark("meter", "record", "a.trace")
    (made,) = recordings
    assert made.asked == ("a.trace", (), 0.1)
    assert made.ran == [None] and made.closed
    assert (done.exit_code, done.stdout) == (0, "a.trace: 12 samples of plug, rapl\n")
    assert done.stderr == "\n"


def test_what_record_is_asked_arrives(
    recordings: list[FakeRecording], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeRecording, "failed", 1)
    monkeypatch.setattr(FakeRecording, "left_out", ["no channel"])
    line = ["meter", "record", "a.trace", "--meter", "plug", "--hz", "4", "--for", "500ms"]
    done = wattmark(*line)
    assert recordings[0].asked == ("a.trace", ("plug",), 0.25)
    assert recordings[0].ran == [0.5]
    assert done.stderr == ("left out: no channel\n1 samples could not be read: they are nan\n")


@pytest.mark.parametrize(("hz", "code"), [("0.001", 0), ("0.0009", 2), ("1000", 0), ("1001", 2)])
def test_how_often_can_be_recorded(recordings: list[FakeRecording], hz: str, code: int) -> None:
    assert wattmark("meter", "record", "a", "--hz", hz, "--for", "1s").exit_code == code
    assert len(recordings) == (code == 0)


# replay


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Ten seconds of 50 W, with one sample a second from 7 s on."""
    channel = Channel(
        meter="plug", key="node", domain="node", unit=TraceUnit.JOULES, grade=Grade.METERED
    )
    text = header_lines([channel], 1.0)
    for second in range(11):
        text += sample_lines([channel], (7 + second) * 10**9, {"node": 50.0 * second})
    path = tmp_path / "t.trace"
    path.write_text(text)
    return path


def test_replay_takes_the_whole_trace_as_one_window(trace: Path) -> None:
    header, row = wattmark("meter", "replay", trace).stdout.splitlines()
    assert header.split() == [
        "from", "to", "domain", "energy", "power", "grade", "meter", "remarks",
    ]  # fmt: skip
    assert row.split("  ")[:2] == ["0.000 s", "10.000 s"]
    assert "500 J" in row and "50 W" in row and "metered" in row and "plug" in row
    (found,) = json.loads(wattmark("meter", "replay", trace, "--json").stdout)
    assert (found["from_s"], found["to_s"], found["gross"]["value"]) == (0.0, 10.0, 500.0)
    assert "power" not in found


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        (["--from", "2"], [(2, 10)]),
        (["--to", "4"], [(0, 4)]),
        (["--from", "0", "--to", "10"], [(0, 10)]),
        (["--from", "2", "--to", "6", "--window", "2s"], [(2, 4), (4, 6)]),
        (["--window", "5"], [(0, 5), (5, 10)]),
    ],
    ids=str,
)
def test_replay_counts_seconds_from_the_start_of_a_trace(trace, options, seconds) -> None:
    rows = json.loads(wattmark("meter", "replay", trace, *options, "--json").stdout)
    assert [(row["from_s"], row["to_s"]) for row in rows] == seconds
    assert [row["gross"]["value"] for row in rows] == [50 * (b - a) for a, b in seconds]


@pytest.mark.parametrize(
    "options",
    [["--from=-1"], ["--from=11"], ["--from=3", "--to=3"], ["--to=11"], ["--to=0"]],
    ids=" ".join,
)
def test_replay_refuses_what_lies_outside(trace: Path, options: list[str]) -> None:
    done = wattmark("meter", "replay", trace, *options)
    assert done.exit_code == 2 and "within 0 to 10.0 s" in done.stderr


def test_replay_refuses_a_trace_without_a_sample(trace: Path) -> None:
    trace.write_text("".join(trace.read_text().splitlines(keepends=True)[:-11]))
    assert str(wattmark("meter", "replay", trace).exception).endswith("holds no sample")


# calibrate


def test_readings_may_be_off_by_what_is_said() -> None:
    from wattmark.meters.modelled.calibration_file import calibration_path

    done = wattmark("meter", "calibrate", "--watts-idle", 40, "--watts-full", 90)
    assert done.exit_code == 0
    said = done.stdout.splitlines()
    assert "a person took off a wall meter" in said[0] and said[0].endswith("(metered, node)")
    assert said[1] == "idle 40.00 [39.20, 40.80] W, all cores busy 90.0 [88.2, 91.8] W"
    assert said[2].startswith("Power model: ")
    wattmark(
        *("meter", "calibrate", "--watts-idle", 40, "--watts-full", 90, "--watts-error", "10%")
    )
    found = read_calibration(calibration_path())
    assert found is not None and found.idle_w.bounds() == pytest.approx((36, 40, 44))


def test_what_calibrate_is_asked_arrives_and_each_step_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = meter_calibration.by_hand(40.0, 90.0, 0.02)
    asked: list[Any] = []

    def calibrate(meter: Any, *, step_s: float, observe: Any) -> Any:
        asked.append((meter, step_s))
        observe(Step(2, 5, 0.25, None))
        observe(Step(2, 5, 0.25, 51.23456))
        return made

    monkeypatch.setattr(meter_calibration, "instrument", lambda name: f"the {name}")
    monkeypatch.setattr(meter_calibration, "calibrate", calibrate)
    done = wattmark("meter", "calibrate")
    wattmark("meter", "calibrate", "--meter", "rapl", "--seconds", "7.5")
    assert asked == [("the None", 5.0), ("the rapl", 7.5)]
    assert done.stderr == "step 2 of 5: 25% of the cores busy\n  51.23 W\n"


# validate


def test_a_share_is_in_percent() -> None:
    assert [validate._percent(x) for x in (None, 0.0, 0.12345, 1.0)] == [
        "-",
        "0 %",
        "12.3 %",
        "100 %",
    ]


def compared(
    naive_error: float, covered: bool, value: float | None = 1.0, *flags: Reason
) -> Compared:
    """A window of a truth of 1 J whose interval is 0.2 J wide, or that was refused."""
    gross = Quantity.missing("J", Reason.WINDOW_TOO_SHORT)
    if value is not None:
        low = value - 0.1 if covered else 1.1
        gross = Quantity.between(max(value, low), low, low + 0.2, "J")
    return Compared(truth=1.0, naive=1.0 + naive_error, said=SensedEnergy(gross, flags))


@pytest.fixture
def battery(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the simulation is asked; ``held`` of its plain figures hold the truth."""
    asked: dict[str, Any] = {"held": 3, "of": 3}
    row = Row(
        sensor="s", shifted=True, window_s=0.5, windows=4, error_p50=0.01, error_p95=0.02,
        error_max=0.03, naive_p50=0.05, naive_p95=0.06, naive_max=0.07, half_width=0.04,
        unflagged_half_width=None, flagged_half_width=None, refused=0.25, flagged=0.5,
        coverage=0.75, unflagged_coverage=None, flagged_coverage=None,
    )  # fmt: skip

    def made(repeats: int, seed: int, classes: Any) -> list[Compared]:
        asked["battery"] = (repeats, seed, list(classes))
        refused = compared(0.0, False, None)
        if (held := asked["held"]) is None:
            return [refused]
        marked = compared(0.0, True, 1.0, Reason.ALIASING)
        plain = [compared(0.0, True)] * held + [compared(0.0, False)] * (asked["of"] - held)
        return [refused, marked, *plain]

    monkeypatch.setattr(validation, "battery", made)
    monkeypatch.setattr(validation, "summary", lambda trials: [row])
    return asked


def test_what_the_battery_is_asked_and_what_its_table_says(battery: dict[str, Any]) -> None:
    from wattmark.metrology.sensor_classes import CLASSES

    done = wattmark("meter", "validate")
    assert battery["battery"] == (42, 1, list(CLASSES))
    assert done.exit_code == 0
    cells = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in done.stdout.splitlines()
        if line.startswith("│")
    ]
    assert cells == [
        ["s + shifted repeats", "0.5 s", "4", "1 %", "2 %", "3 %", "6 %", "7 %", "25 %", "50 %",
         "75 %", "4 %"],
    ]  # fmt: skip
    assert done.stdout.endswith(
        "5 windows, 20 % refused, 20 % flagged; of all figures 100 % hold the truth, at a median "
        "of ±10 %: unflagged 100 % at ±10 %, flagged 100 % at ±10 % (at least 95 % wanted).\n"
    )
    wattmark("meter", "validate", "--class", "lagging-15", "--repeats", "1", "--seed", "0")
    assert battery["battery"] == (1, 0, ["lagging-15"])
    assert wattmark("meter", "validate", "--repeats", "0").exit_code == 2


@pytest.mark.parametrize(
    ("held", "coverage", "code"), [(18, 0.95, 0), (17, 0.9, 1), (None, None, 0)]
)
def test_too_few_figures_that_hold_the_truth_are_an_error(
    battery: dict[str, Any], held: int | None, coverage: float | None, code: int
) -> None:
    battery |= {"held": held, "of": 19}  # and one that is flagged
    done = wattmark("meter", "validate", "--json")
    assert done.exit_code == code
    found = json.loads(done.stdout)
    assert (found["seed"], found["windows"]) == (1, 1 if held is None else 21)
    assert found["coverage"] == coverage and found["rows"][0]["window_s"] == 0.5


@pytest.fixture
def pair(tmp_path: Path) -> list[str]:
    """A load that alternates, and a sensor that shows a twentieth too little of it."""
    times = np.arange(0, 20, 0.125)
    watts = np.where((times // 1.0) % 2 == 0, 100.0, 60.0)
    for name, gain in (("truth", 1.0), ("sensor", 0.95)):
        rows = "".join(f"{t},{gain * w}\n" for t, w in zip(times, watts, strict=True))
        (tmp_path / f"{name}.csv").write_text("t_s,watts\n" + rows)
    truth, sensor = (str(tmp_path / f"{name}.csv") for name in ("truth", "sensor"))
    return ["meter", "validate", "--truth", truth, "--sensor", sensor]


def test_a_recorded_pair_is_cut_into_windows(pair: list[str]) -> None:
    found = json.loads(wattmark(*pair, "--json").stdout)
    assert [row["window_s"] for row in found["rows"]] == [1.0, 2.0, 5.0]
    assert [row["naive_error_mean"] for row in found["rows"]] == [pytest.approx(-0.05)] * 3
    one = json.loads(wattmark(*pair, "--window", "3", "--json").stdout)
    assert [row["window_s"] for row in one["rows"]] == [3.0]


def test_what_is_told_of_a_recorded_pair(pair: list[str]) -> None:
    guessed = wattmark(*pair).stdout.splitlines()
    assert guessed[0].startswith("guessed, cautiously: update every ")
    assert guessed[1].startswith("1 s: ")
    assert "1 s: 179 windows, 100 % refused, 0 % flagged; readings as they come err" in guessed[1]
    assert guessed[1].endswith("; - hold the truth, at a median of ±-")
    named = wattmark(*pair, "--class", "instant-100-100").stdout
    assert named.startswith(
        "class instant-100-100: update every 100 ms, means over 100 ms, looks 100 % of the time"
    )
    assert ", offset -12 to 9 W\n" in named
    assert "100 % hold the truth, at a median of ±" in named
    assert " ratios of two: readings as they come err by " in named
    assert wattmark(*pair, "--class", "a", "--class", "b").exit_code == 2


def test_a_row_of_a_recorded_pair_has_our_errors_beside_the_naive_ones() -> None:
    found: list[Any] = [
        compared(0.1, True, 1.0, Reason.ALIASING),
        compared(0.2, False),
        compared(-0.6, False, None),
        compared(0.3, True, 1.05),
    ]
    row = validate._paired_row(2.0, found, None)
    assert (row["window_s"], row["windows"], row["ratios"]) == (2.0, 4, None)
    assert (row["refused"], row["flagged"]) == (0.25, 0.25)
    assert row["naive_error_mean"] == pytest.approx(0.0)
    assert row["naive_error_sd"] == pytest.approx(np.std([0.1, 0.2, -0.6, 0.3]))
    assert row["naive_error_worst"] == pytest.approx(-0.6)
    assert row["naive_max"] == pytest.approx(0.3)  # of the windows that have a figure of ours
    assert row["error_max"] == pytest.approx(0.1)
    assert row["coverage"] == pytest.approx(2 / 3)
    assert row["half_width"] == pytest.approx(0.1)
    refused = validate._paired_row(2.0, found[2:3], None)
    assert (refused["coverage"], refused["half_width"]) == (None, None)
