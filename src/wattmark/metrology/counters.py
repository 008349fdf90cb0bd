"""Cumulative energy counters: differences across a wrap, and the interval of what was counted.

Everything here is pure. Counter values are integers in the counter's own unit (microjoules for
RAPL), so that no joule is lost to rounding; a counter of span ``s`` goes 0, 1 ... s - 1, 0 ...
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from wattmark.contracts.sensor import MIN_UPDATE_PERIODS
from wattmark.errors import MeterError
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading

#: For a moment a part may draw more than its power limit; twice the limit is never sustained.
POWER_HEADROOM = 2.0

#: Of the lowest power that a sensor showed, no more than this share is taken for its offset:
#: hardware that is switched on draws something. Judged.
OFFSET_IN_LEAST = 0.5


def difference(before: int, after: int, span: int) -> int:
    """Counts between two readings of a counter that wraps at ``span``, at most once.

    Raises MeterError for a reading outside the counter's range.
    """
    for value in (before, after):
        if not 0 <= value < span:
            raise MeterError(f"a counter reading of {value} is outside its range 0 to {span - 1}")
    return (after - before) % span


def total(readings: Iterable[int], span: int) -> int:
    """Counts from the first to the last of many readings, at most one wrap between neighbours."""
    return sum(difference(a, b, span) for a, b in pairwise(readings))


def longest_gap_s(span_j: float, max_power_w: float) -> float:
    """Longest time between two reads in which a counter surely wraps at most once, in s.

    Half the wrap time at the power limit: the headroom covers bursts above the limit.
    """
    return span_j / (POWER_HEADROOM * max_power_w)


@dataclass(frozen=True)
class Accuracy:
    """How far a counter can be trusted.

    A counter adds up gain x truth + offset: ``gain_low`` and ``gain_high`` bound the gain,
    ``offset_low_w`` and ``offset_high_w`` the offset, in W; ``update_period_s`` is the time
    between two updates of the counter, so that a reading is up to that old.
    """

    update_period_s: float
    gain_low: float
    gain_high: float
    offset_low_w: float = 0.0
    offset_high_w: float = 0.0


def possible_offsets_w(low_w: float, high_w: float, shown_w: float) -> tuple[float, float]:
    """The offsets in W of a sensor that may be among these, given how little it showed."""
    return low_w, min(high_w, max(low_w, OFFSET_IN_LEAST * shown_w))


def counted_energy(
    joules: float,
    wall_s: float,
    accuracy: Accuracy,
    *,
    quantum_j: float = 0.0,
    grade: Grade = Grade.COUNTED,
) -> Quantity:
    """What a counter's difference says of the energy of a window, in J.

    Each edge may be off by one update period of the mean power P, and the two together by one
    step q of the counter, and an offset c added c T in the T seconds of the window, hence the truth
    lies in ``[(E - 2 P t - q - c_high T) / gain_high, (E + 2 P t + q - c_low T) / gain_low]``; no
    more than OFFSET_IN_LEAST of P is taken for offset. Missing (WINDOW_TOO_SHORT) below
    MIN_UPDATE_PERIODS, of time or of steps; missing (READ_FAILED) where the counter stood still,
    since powered hardware never uses nothing.
    """
    if joules < MIN_UPDATE_PERIODS * quantum_j:
        detail = (
            f"the counter moved by {joules:.3g} J, fewer than {MIN_UPDATE_PERIODS} of its steps "
            f"of {quantum_j:.3g} J: measure for longer"
        )
        return Quantity.missing("J", Reason.WINDOW_TOO_SHORT, detail)
    shortest_s = MIN_UPDATE_PERIODS * accuracy.update_period_s
    if wall_s <= 0 or wall_s < shortest_s:
        detail = (
            f"window of {wall_s:.3g} s; this counter needs at least {shortest_s:.3g} s "
            f"({MIN_UPDATE_PERIODS} update periods)"
        )
        return Quantity.missing("J", Reason.WINDOW_TOO_SHORT, detail)
    if joules == 0:
        return Quantity.missing(
            "J", Reason.READ_FAILED, f"the counter stood still for {wall_s:.3g} s"
        )
    edges_j = 2.0 * accuracy.update_period_s * joules / wall_s + quantum_j
    least_w, most_w = possible_offsets_w(
        accuracy.offset_low_w, accuracy.offset_high_w, joules / wall_s
    )
    return Quantity.between(
        joules,
        min(joules, (joules - edges_j - most_w * wall_s) / accuracy.gain_high),
        max(joules, (joules + edges_j - least_w * wall_s) / accuracy.gain_low),
        "J",
        grade=grade,
    )


def elapsed_s(before: MeterReading, after: MeterReading) -> float:
    """Seconds between two readings. Raises MeterError where they are in the wrong order."""
    if after.time_ns < before.time_ns:
        raise MeterError("the reading after the window is older than the one before it")
    return (after.time_ns - before.time_ns) / 1e9


def window_without_idle(
    meter: str, domain: str, gross: Quantity, before: MeterReading, after: MeterReading
) -> EnergyWindow:
    """The window of a meter that sees the whole device and so cannot tell its idle share."""
    not_known = Quantity.missing(
        "J",
        gross.reason or Reason.IDLE_NOT_MEASURED,
        gross.detail if gross.reason else "the meter saw no idle window of this machine",
    )
    return EnergyWindow(
        meter=meter,
        domain=domain,
        gross=gross,
        idle_subtracted=not_known,
        idle_allocated=not_known,
        before=before,
        after=after,
    )
