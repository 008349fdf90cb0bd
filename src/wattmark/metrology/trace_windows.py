"""Energy of windows, from a trace. Pure.

A window is cut at the samples: it begins and ends with the first sample at or after its edges, so
that windows that touch share a sample and none of the energy is lost or counted twice. A gap of
more than five periods, a sample that could not be read or that no device can cause, or a counter
that was reset within a window makes it missing with that reason; other windows do not know of it.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from wattmark.contracts import Sensor, TraceUnit
from wattmark.errors import MeterError
from wattmark.metrology.counter_windows import counted_flags, counted_j, counted_sum, distinct
from wattmark.metrology.counters import window_without_idle
from wattmark.metrology.cpu_power import PowerModel
from wattmark.metrology.cpu_windows import cpu_reading, cpu_window
from wattmark.metrology.possible import (
    NOTHING,
    always_nothing,
    beyond_range,
    impossible_watts,
    possible_joules,
)
from wattmark.metrology.trace_file import Series, Trace
from wattmark.metrology.windows import LONGEST_GAP_PERIODS, sensed_energy
from wattmark.quantities import Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading


def cut(
    start_ns: int, end_ns: int, window_ns: int, period_ns: int = 0
) -> Iterator[tuple[int, int]]:
    """Edges of the windows of that length between two times; the last one may be shorter.

    What is left at the end and shorter than ``period_ns`` belongs to the window before it. Raises
    MeterError for a length that is not above 0.
    """
    if window_ns <= 0:
        raise MeterError(f"a window must be longer than 0 s, not {window_ns / 1e9} s")
    edge_ns = start_ns
    while edge_ns < end_ns:
        next_ns = edge_ns + window_ns
        if end_ns - next_ns < period_ns:
            next_ns = end_ns
        yield edge_ns, min(next_ns, end_ns)
        edge_ns = next_ns


def windows_of(
    trace: Trace, start_ns: int, end_ns: int, window_ns: int
) -> Iterator[tuple[int, int]]:
    """As :func:`cut`, with windows in a row that hold no sample as one: a clock may have jumped by
    years. Raises MeterError as that does."""
    edge_ns = start_ns
    period_ns = round(trace.period_s * 1e9)
    while edge_ns < end_ns:
        next_ns = min(_next_sample_ns(trace, edge_ns), end_ns)
        if window_ns > 0 and (empty := (next_ns - edge_ns) // window_ns) > 1:
            yield edge_ns, edge_ns + empty * window_ns
            edge_ns += empty * window_ns
            continue
        first, last = next(cut(edge_ns, end_ns, window_ns, period_ns))
        yield first, last
        edge_ns = last


def _next_sample_ns(trace: Trace, since_ns: int) -> int:
    """Time of the first sample after a time, of any channel; far away where there is none."""
    after = [
        s.time_ns[at]
        for s in trace.series
        if (at := bisect_right(s.time_ns, since_ns)) < len(s.time_ns)
    ]
    return min(after, default=sys.maxsize)


def energy(trace: Trace, start_ns: int, end_ns: int) -> tuple[EnergyWindow, ...]:
    """Energy of every meter's domains between two times of the trace's clock."""
    found = []
    for meter, domain in trace.domains:
        series = [s for s in trace.series if (s.channel.meter, s.channel.domain) == (meter, domain)]
        found.append(_window(trace, series, start_ns, end_ns))
    return tuple(found)


def _window(trace: Trace, series: Sequence[Series], start_ns: int, end_ns: int) -> EnergyWindow:
    parts = [_samples(s, start_ns, end_ns) for s in series]
    problem = next(
        (
            p
            for s, part in zip(series, parts, strict=True)
            if (p := _problem(trace, s, part, start_ns, end_ns)) is not None
        ),
        None,
    )
    if problem is not None:
        return _closed(series, parts, problem, start_ns, end_ns)
    match series[0].channel.unit:
        case TraceUnit.CPU_SECONDS:
            return _modelled(series[0], parts[0])
        case TraceUnit.WATTS:
            return _sensed(trace, series, parts, start_ns, end_ns)
        case TraceUnit.JOULES:
            window = _closed(series, parts, _counted(series, parts), start_ns, end_ns)
            flags = counted_flags([s.channel for s in series])
            return window.model_copy(update={"flags": flags})


def _samples(series: Series, start_ns: int, end_ns: int) -> range:
    """Indices from the first sample at or after the start to the one at or after the end.

    Where the recording ends before, its last sample closes the window. Empty: none at all.
    """
    last = len(series.time_ns) - 1
    first = bisect_left(series.time_ns, start_ns)
    return range(first, min(bisect_left(series.time_ns, end_ns), last) + 1)


def _problem(
    trace: Trace, series: Series, part: range, start_ns: int, end_ns: int
) -> Quantity | None:
    """Why nothing can be said of a channel in a window, if so."""
    channel = series.channel
    name = f"{channel.meter} {channel.key}"
    if len(part) < 2:
        detail = f"{name} has {len(part)} samples from {start_ns} to {end_ns} ns"
        return Quantity.missing("J", Reason.TRACE_GAP, detail)
    longest_ns = LONGEST_GAP_PERIODS * max(trace.period_s, channel.update_period_s) * 1e9
    times = [series.time_ns[i] for i in part]
    edges = [start_ns, *times, max(end_ns, times[-1])]
    for before, after in pairwise(edges):
        if after - before > longest_ns:
            detail = f"{name} has no sample for {(after - before) / 1e9:.3g} s after {before} ns"
            return Quantity.missing("J", Reason.TRACE_GAP, detail)
    for i in part:
        if math.isnan(series.values[i]):
            detail = f"{name} could not be read at {series.time_ns[i]} ns"
            return Quantity.missing("J", Reason.READ_FAILED, detail)
        if (said := _impossible(series, i)) is not None:
            detail = f"{said} (at {series.time_ns[i]} ns)"
            return Quantity.missing("J", Reason.READ_FAILED, detail)
    if channel.unit is TraceUnit.WATTS and always_nothing(series.values[i] for i in part):
        return Quantity.missing("J", Reason.READ_FAILED, f"{name}: {NOTHING}")
    return None


def _impossible(series: Series, at: int) -> str | None:
    """Why a sample cannot be, by itself or after the one before it; None where it can."""
    channel, value = series.channel, series.values[at]
    if channel.unit is TraceUnit.WATTS:
        return impossible_watts(channel.domain, channel.sensor or Sensor(1.0), value)
    if channel.unit is not TraceUnit.JOULES:
        return None
    if not possible_joules(channel, value):
        return beyond_range(channel, value)
    if at == 0 or not possible_joules(channel, before_j := series.values[at - 1]):
        return None
    step_s = (series.time_ns[at] - series.time_ns[at - 1]) / 1e9
    step_j = counted_j(channel, before_j, value, step_s)
    if isinstance(step_j, Quantity) and step_j.reason is Reason.READ_FAILED:
        return step_j.detail
    return None


def _closed(
    series: Sequence[Series], parts: Sequence[range], gross: Quantity, start_ns: int, end_ns: int
) -> EnergyWindow:
    whole = all(len(part) > 1 for part in parts)
    return window_without_idle(
        series[0].channel.meter,
        series[0].channel.domain,
        gross,
        _reading(series, parts, 0) if whole else _nothing(start_ns),
        _reading(series, parts, -1) if whole else _nothing(end_ns),
    )


def _nothing(time_ns: int) -> MeterReading:
    return MeterReading(time_ns=time_ns, values={})


def _reading(series: Sequence[Series], parts: Sequence[range], at: int) -> MeterReading:
    values = {
        s.channel.key: s.values[part[at]]
        for s, part in zip(series, parts, strict=True)
        if not math.isnan(s.values[part[at]])
    }
    return MeterReading(time_ns=series[0].time_ns[parts[0][at]], values=values)


def _counted(series: Sequence[Series], parts: Sequence[range]) -> Quantity:
    joules = 0.0
    ends = [(s.values[p[0]], s.values[p[-1]]) for s, p in zip(series, parts, strict=True)]
    single = distinct([s.channel for s in series], ends)
    for each, part in ((series[at], parts[at]) for at in single):
        for i, j in pairwise(part):
            step_s = (each.time_ns[j] - each.time_ns[i]) / 1e9
            step_j = counted_j(each.channel, each.values[i], each.values[j], step_s)
            if isinstance(step_j, Quantity):
                return step_j
            joules += step_j
    times, part = series[0].time_ns, parts[0]
    wall_s = (times[part[-1]] - times[part[0]]) / 1e9
    return counted_sum([series[at].channel for at in single], joules, wall_s)


def _modelled(series: Series, part: range) -> EnergyWindow:
    channel = series.channel
    if channel.model is None:
        raise MeterError(f"the trace has no power model for the CPU seconds of {channel.meter}")
    model = PowerModel(channel.model.busy_w, channel.model.idle_share, channel.model.program_spread)
    before, after = (cpu_reading(series.time_ns[i], series.values[i]) for i in (part[0], part[-1]))
    cores = channel.model.cores
    return cpu_window(channel.meter, before, after, cores, model, channel.domain)


def _sensed(
    trace: Trace, series: Sequence[Series], parts: Sequence[range], start_ns: int, end_ns: int
) -> EnergyWindow:
    total: Quantity | None = None
    flags: tuple[Reason, ...] = ()
    for each in series:
        origin_ns = each.time_ns[0]
        found = sensed_energy(
            each.power,
            (start_ns - origin_ns) / 1e9,
            (end_ns - origin_ns) / 1e9,
            as_sampled(each.channel.sensor or Sensor(trace.period_s), trace.period_s),
            each.channel.grade,
        )
        total = found.gross if total is None else total + found.gross
        flags += tuple(flag for flag in found.flags if flag not in flags)
    assert total is not None  # a domain has at least one channel
    closed = _closed(series, parts, total, start_ns, end_ns)
    power = tuple((series[0].time_ns[i], series[0].values[i]) for i in parts[0])
    return closed.model_copy(update={"flags": flags, "power": power if len(series) == 1 else ()})


def as_sampled(sensor: Sensor, period_s: float) -> Sensor:
    """The sensor as a recording of one sample every ``period_s`` shows it.

    Slower than the sensor updates, the recording is a slower sensor, which misses what the sensor
    saw between two samples.
    """
    if period_s <= sensor.update_period_s:
        return sensor
    seen_s = max(sensor.averaging_s, sensor.update_period_s, sensor.time_constant_s)
    duty = sensor.duty * min(1.0, seen_s / period_s)
    return replace(sensor, update_period_s=period_s, duty=duty)
