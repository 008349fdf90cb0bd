"""Energy of windows from cumulative counters, each described by its channel. Pure.

The same rules hold for a meter that is open and for a recording of it: a counter may wrap once
between two readings, never goes back, and what it shows is trusted as far as its channel says. What
no device can have used is no figure (:mod:`wattmark.metrology.possible`).
"""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.contracts import Channel, Sensor, TraceUnit
from wattmark.metrology.counters import (
    Accuracy,
    counted_energy,
    difference,
    elapsed_s,
    longest_gap_s,
    window_without_idle,
)
from wattmark.metrology.possible import beyond_range, most_j, most_w, possible_joules
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading


def counter(
    meter: str,
    key: str,
    accuracy: Accuracy,
    grade: Grade = Grade.COUNTED,
    *,
    domain: str | None = None,
    quantum_j: float = 0.0,
    span_j: float | None = None,
    max_power_w: float | None = None,
    package: str | None = None,
    part_time: bool = False,
    sensor: Sensor | None = None,
) -> Channel:
    """The channel of a counter of joules; its domain is its key where nothing else is said.

    ``sensor`` is the one whose readings it adds up, where that is known.
    """
    return Channel(
        meter=meter,
        key=key,
        domain=domain or key,
        unit=TraceUnit.JOULES,
        grade=grade,
        update_period_s=accuracy.update_period_s,
        gain_low=accuracy.gain_low,
        gain_high=accuracy.gain_high,
        offset_low_w=accuracy.offset_low_w,
        offset_high_w=accuracy.offset_high_w,
        quantum_j=quantum_j,
        span_j=span_j,
        max_power_w=max_power_w,
        package=package,
        part_time=part_time,
        sensor=sensor,
    )


def counted_window(
    channels: Sequence[Channel], before: MeterReading, after: MeterReading
) -> EnergyWindow:
    """Energy of one domain, the sum of its counters; missing if one is missing.

    Counters of one package that show the same joules at both ends are one counter, and count once.
    Flagged (ALIASING) where the sensor of one looks part of the time. Raises MeterError where the
    readings are in the wrong order.
    """
    wall_s = elapsed_s(before, after)
    gross = _between(channels, before, after, wall_s)
    window = window_without_idle(channels[0].meter, channels[0].domain, gross, before, after)
    return window.model_copy(update={"flags": counted_flags(channels)})


def counted_flags(channels: Sequence[Channel]) -> tuple[Reason, ...]:
    """What the interval of a window of these counters had to be widened for."""
    return (Reason.ALIASING,) if any(channel.part_time for channel in channels) else ()


def _between(
    channels: Sequence[Channel], before: MeterReading, after: MeterReading, wall_s: float
) -> Quantity:
    for channel in channels:
        if channel.key not in before.values or channel.key not in after.values:
            detail = f"{_name(channel)} could not be read at both ends of the window"
            return Quantity.missing("J", Reason.READ_FAILED, detail)
    ends = [(before.values[channel.key], after.values[channel.key]) for channel in channels]
    single = distinct(channels, ends)
    joules = 0.0
    for at in single:
        step_j = counted_j(channels[at], *ends[at], wall_s)
        if isinstance(step_j, Quantity):
            return step_j
        joules += step_j
    return counted_sum([channels[at] for at in single], joules, wall_s)


def distinct(channels: Sequence[Channel], ends: Sequence[tuple[float, float]]) -> list[int]:
    """Which of these counters are counters of their own, by what they show at both ends, in J.

    Dies of one package may all show the counter of the whole (seen on servers of two dies). Two
    registers of one counter differ by no more than it moves between two reads of it, an update;
    two counters of their own, which add up other currents since the machine was started, would do
    so at both ends by chance alone.
    """
    own: list[int] = []
    for at, channel in enumerate(channels):
        same = (
            other
            for other in own
            if channel.package
            and channels[other].package == channel.package
            and all(_as_close(channel, a, b) for a, b in zip(ends[at], ends[other], strict=True))
        )
        if next(same, None) is None:
            own.append(at)
    return own


def _as_close(channel: Channel, one_j: float, other_j: float) -> bool:
    """Whether two readings lie within one update of each other, across a wrap too."""
    apart_j = abs(one_j - other_j)
    if channel.span_j is not None:
        apart_j = min(apart_j, channel.span_j - apart_j)
    return apart_j <= most_j(channel, 0.0)


def counted_j(channel: Channel, first_j: float, last_j: float, step_s: float) -> float | Quantity:
    """Joules between two readings of a counter that are ``step_s`` apart.

    Missing where it may have wrapped unseen (COUNTER_WRAPPED), went back (COUNTER_RESET), or shows
    what it cannot: a value outside its range, or further on than the device can draw (READ_FAILED).
    """
    for value_j in (first_j, last_j):
        if not possible_joules(channel, value_j):
            return Quantity.missing("J", Reason.READ_FAILED, beyond_range(channel, value_j))
    if channel.span_j is None:
        step_j = last_j - first_j
    else:
        if channel.max_power_w is not None:
            limit_s = longest_gap_s(channel.span_j, channel.max_power_w)
            if step_s > limit_s:
                detail = (
                    f"{step_s:.3g} s between two readings; at {channel.max_power_w:g} W "
                    f"{_name(channel)} could wrap unseen after {limit_s:.3g} s: read it more often"
                )
                return Quantity.missing("J", Reason.COUNTER_WRAPPED, detail)
        # whole microjoules, so that no joule is lost to rounding
        ends_uj = (round(1e6 * first_j), round(1e6 * last_j))
        step_j = difference(*ends_uj, round(1e6 * channel.span_j)) / 1e6
    if step_j >= 0 and (step_s <= 0 or step_j <= most_j(channel, step_s)):
        return step_j  # two readings at the same moment say nothing of power
    moved = f"{_name(channel)} went from {first_j:.9g} to {last_j:.9g} J in {step_s:.3g} s"
    if last_j < first_j:
        detail = f"{moved}: was its driver reloaded, or the device restarted?"
        return Quantity.missing("J", Reason.COUNTER_RESET, detail)
    detail = f"{moved}, more than {most_w(channel):.6g} W: no device that it counts draws that"
    return Quantity.missing("J", Reason.READ_FAILED, detail)


def counted_sum(channels: Sequence[Channel], joules: float, wall_s: float) -> Quantity:
    """What joules that these counters moved by together say of a window, in J.

    The widest of their gains, their offsets together and the longest of their update periods bound
    it; each end may also be off by one step. Missing as in ``counted_energy``, and WINDOW_TOO_SHORT
    below MIN_UPDATE_PERIODS steps.
    """
    accuracy = Accuracy(
        max(c.update_period_s for c in channels),
        min(c.gain_low for c in channels),
        max(c.gain_high for c in channels),
        sum(c.offset_low_w for c in channels),
        sum(c.offset_high_w for c in channels),
    )
    quantum_j = sum(c.quantum_j for c in channels)
    return counted_energy(joules, wall_s, accuracy, quantum_j=quantum_j, grade=channels[0].grade)


def _name(channel: Channel) -> str:
    return f"{channel.meter} {channel.key}"
