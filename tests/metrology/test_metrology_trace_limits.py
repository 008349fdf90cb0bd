"""A recording at both sides of its limits: cuts, gaps, edges, what may stand in a line."""

from __future__ import annotations

import math

import pytest

from wattmark.contracts import Channel, Sensor, TraceUnit
from wattmark.errors import MeterError, TraceError
from wattmark.metrology.trace_file import Series, Trace, header_lines, parse, sample_lines
from wattmark.metrology.trace_windows import as_sampled, cut, energy
from wattmark.quantities import Grade, Reason
from wattmark.records import EnergyWindow

S = 10**9
JOULES = Channel(
    meter="plug", key="node", domain="node", unit=TraceUnit.JOULES, grade=Grade.METERED
)


def counted(
    times_s: list[float], channel: Channel = JOULES, period_s: float = 1.0, j_per_s: float = 10.0
) -> Trace:
    """A counter that goes up by 10 J a second."""
    times = [round(t * S) for t in times_s]
    return Trace(period_s, (Series(channel, times, [j_per_s * t for t in times_s]),))


def window(trace: Trace, start_s: float, end_s: float) -> EnergyWindow:
    (found,) = energy(trace, round(start_s * S), round(end_s * S))
    return found


@pytest.mark.parametrize(
    ("arguments", "windows"),
    [
        ((0, 20, 10), [(0, 10), (10, 20)]),
        ((5, 20, 10), [(5, 15), (15, 20)]),
        ((0, 22, 10, 2), [(0, 10), (10, 20), (20, 22)]),
        ((0, 22, 10, 3), [(0, 10), (10, 22)]),
        ((0, 5, 10), [(0, 5)]),
        ((0, 0, 10), []),
    ],
)
def test_a_time_is_cut_into_windows(arguments, windows) -> None:
    assert list(cut(*arguments)) == windows


def test_windows_of_no_length_are_refused() -> None:
    for length_ns in (0, -S):
        with pytest.raises(MeterError, match="longer than 0 s"):
            list(cut(0, S, length_ns))
    with pytest.raises(MeterError, match=r"not -1\.0 s"):
        list(cut(0, S, -S))


def test_a_window_begins_and_ends_with_the_first_sample_at_or_after_its_edges() -> None:
    trace = counted([0, 1, 2, 3, 4, 5])
    for start_s, end_s, ends_s in ((1, 3, (1, 3)), (0.5, 2.5, (1, 3)), (3, 9, (3, 5))):
        found = window(trace, start_s, end_s)
        assert (found.before.time_ns, found.after.time_ns) == (ends_s[0] * S, ends_s[1] * S)
        assert found.gross.value == pytest.approx(10 * (ends_s[1] - ends_s[0]))


def test_two_samples_make_a_window_and_one_does_not() -> None:
    trace = counted([0, 1, 2])
    assert window(trace, 0, 1).gross.value == 10
    one = window(trace, 2, 3)
    assert one.gross.reason is Reason.TRACE_GAP
    assert one.gross.detail.startswith("plug node has 1 samples from 2000000000 to 3000000000")
    assert (one.before.values, one.after.values) == ({}, {})
    assert (one.before.time_ns, one.after.time_ns) == (2 * S, 3 * S)


@pytest.mark.parametrize(
    ("times_s", "edges_s", "lost"),
    [
        ([0, 1, 6, 7], (0, 7), False),  # five periods without a sample
        ([0, 1, 6.1, 7], (0, 7), True),
        ([5, 6, 7], (0, 7), False),  # at its begin
        ([5.1, 6, 7], (0, 7), True),
        ([0, 1, 2], (0, 7), False),  # and at its end
        ([0, 1, 2], (0, 7.1), True),
    ],
)
def test_five_periods_are_no_gap_and_more_are(times_s, edges_s, lost) -> None:
    found = window(counted(times_s), *edges_s).gross
    assert found.reason is (Reason.TRACE_GAP if lost else None)
    if lost:
        assert "no sample for 5.1 s after" in found.detail


def test_a_slow_sensor_may_be_silent_for_longer() -> None:
    slow = JOULES.model_copy(update={"update_period_s": 2.0})
    times_s = [0, 10, *range(11, 31)]
    assert window(counted(times_s, slow), 0, 30).gross.known
    assert window(counted(times_s), 0, 30).gross.reason is Reason.TRACE_GAP
    assert window(counted(times_s, period_s=2.0), 0, 30).gross.known


def test_a_sample_that_could_not_be_read_is_told_with_its_time() -> None:
    trace = Trace(1.0, (Series(JOULES, [0, S, 2 * S], [0.0, math.nan, 20.0]),))
    found = window(trace, 0, 2)
    assert found.gross.detail == "plug node could not be read at 1000000000 ns"
    assert found.after.values == {"node": 20.0}
    assert window(trace, 1, 2).before.values == {}


def test_the_length_of_a_window_is_that_of_its_samples() -> None:
    channel = JOULES.model_copy(update={"update_period_s": 0.1})
    # 2 x 0.1 s of 10 W lie at the edges, however long the window was asked for
    assert window(counted([0, 1, 2], channel), 0, 5).gross.bounds() == pytest.approx((18, 20, 22))


def watts(sensor: Sensor | None = None, key: str = "gpu:0") -> Channel:
    return Channel(
        meter="card",
        key=key,
        domain="gpu",
        unit=TraceUnit.WATTS,
        grade=Grade.METERED,
        sensor=sensor,
    )


def test_two_sensors_of_one_domain_are_added_up() -> None:
    times = [2 * S + i * S // 10 for i in range(100)]
    part_time = Sensor(0.1, 0.025, duty=0.25)
    series = [
        Series(watts(part_time, "gpu:0"), times, [50.0] * 100),
        Series(watts(part_time, "gpu:1"), times, [70.0] * 100),
    ]
    found = window(Trace(0.1, tuple(series)), 4, 8)
    assert found.gross.value == pytest.approx(480.0)
    assert (found.flags, found.power) == ((Reason.ALIASING,), ())
    alone = window(Trace(0.1, (series[1],)), 4, 8)
    assert alone.gross.value == pytest.approx(280.0)
    assert alone.power is not None
    assert (alone.power[0], alone.power[-1]) == ((4 * S, 70.0), (8 * S, 70.0))
    assert alone.gross.grade is Grade.METERED


def test_a_sensor_that_nobody_described_is_as_fast_as_the_recording() -> None:
    times = [i * S // 10 for i in range(100)]
    trace = Trace(0.1, (Series(watts(), times, [50.0] * 100),))
    assert window(trace, 1, 6).gross.bounds() == pytest.approx((250.0, 250.0, 250.0))
    assert window(trace, 1, 1.9).gross.reason is Reason.WINDOW_TOO_SHORT


@pytest.mark.parametrize(
    ("sensor", "duty"),
    [
        (Sensor(0.1, 0.025, duty=0.25), 0.25 * 0.1),
        (Sensor(0.1, 0.5), 0.5),
        (Sensor(0.1, 0.0, time_constant_s=0.84), 0.84),
        (Sensor(0.1, 2.0, duty=0.5), 0.5),  # it averages over more than one sample
    ],
)
def test_a_slow_recording_sees_a_share_of_what_the_sensor_saw(sensor: Sensor, duty: float) -> None:
    slow = as_sampled(sensor, 1.0)
    assert (slow.update_period_s, slow.averaging_s) == (1.0, sensor.averaging_s)
    assert slow.duty == pytest.approx(duty)
    assert as_sampled(sensor, sensor.update_period_s) is sensor


def test_power_is_over_the_seconds_since_the_first_sample_without_what_was_not_read() -> None:
    found = Series(watts(), [5 * S, 6 * S, 8 * S], [10.0, math.nan, 30.0]).power
    assert (list(found.time_s), list(found.power_w)) == ([0.0, 3.0], [10.0, 30.0])


def test_a_recording_spans_all_its_channels() -> None:
    other = watts(key="other")
    series = (Series(watts(), [5, 6], [1, 1]), Series(other, [2, 9], [1, 1]), Series(JOULES))
    trace = Trace(1.0, series)
    assert trace.span_ns == (2, 9)
    assert trace.domains == (("card", "gpu"), ("plug", "node"))


HEADER = header_lines([JOULES], 1.0)


def test_nothing_is_a_value_and_empty_lines_are_none() -> None:
    text = HEADER + sample_lines([JOULES], 0, {"node": 0.0}) + "\n" + "1,plug,node,J,2\n"
    (series,) = parse(text.splitlines(keepends=True)).series
    assert (series.time_ns, series.values) == ([0, 1], [0.0, 2.0])


@pytest.mark.parametrize("period", ["0.0", "-1.0", "1e999"])
def test_a_period_is_above_zero_and_finite(period: str) -> None:
    text = HEADER.replace('"period_s":1.0', f'"period_s":{period}')
    with pytest.raises(TraceError, match="period_s"):
        parse(text.splitlines(keepends=True))


def test_six_fields_are_one_too_many() -> None:
    with pytest.raises(TraceError, match="6 fields"):
        parse((HEADER + "1,plug,node,J,2,3\n").splitlines(keepends=True))


def test_domains_of_two_meters_may_differ_in_unit() -> None:
    other = watts().model_copy(update={"domain": "node"})
    trace = parse(header_lines([JOULES, other], 1.0).splitlines(keepends=True))
    assert len(trace.series) == 2
