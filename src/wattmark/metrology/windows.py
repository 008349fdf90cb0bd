"""Energy of a window from what a sensor showed: correction, interval, flags.

With D the sensor's delay (half an update period and half an averaging window) and c its time
constant, the energy between a and b is estimated as

    E = integral of the reading from a + D to b + D  +  c x (reading at b + D - reading at a + D)

The shift is the practice of Yang, Adamek and Armour (SC'24); the second term is exact for a
first-order lag, for which truth = reading + c x d(reading)/dt (Burtscher et al., GPGPU-7, 2014). A
lag that the trace itself refutes is left out (:mod:`wattmark.metrology.lag`).

What is left unknown bounds the interval, worst case upon worst case:

* *edges*: a reading tells the energy of its span, not where in the span it was used. So around
  each edge, energy of up to h = (update period + averaging window) / 2 + one gap between readings
  may lie on the wrong side: h x (highest - lowest reading near the edge), and as much for a lag.
  What a single reading averages away is added as a quarter of an update of (reading - lowest
  reading): a load in step with the sensor, cut at a random moment, errs by no more in 95 % of the
  battery's windows (``wattmark meter validate``);
* *never seen*: of a part-time sensor, the unseen share of the window may have drawn anything
  between the lowest reading of the trace and the device's power limit (the highest reading of the
  trace where that is not known). The flag ``aliasing`` says so;
* *quantisation, gain, offset* of the sensor: reading = gain x truth + offset. Both are the same
  in all windows of one card; a ratio of two (:func:`sensed_ratio`) knows nothing of the gain, but
  needs the offset, which is much of what an idle card shows and little of what a busy one does.

Pure; times in s, power in W, energy in J.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from wattmark.contracts import Sensor
from wattmark.metrology.counters import possible_offsets_w
from wattmark.metrology.lag import TIME_CONSTANT_ERROR, lag_as_seen
from wattmark.metrology.power_trace import PowerTrace
from wattmark.quantities import Grade, Quantity, Reason

#: A gap between readings of more update periods than this is a loss, not a late reading.
LONGEST_GAP_PERIODS = 5.0

#: Of an update's energy above the lowest reading, what may lie on the wrong side of a cut in it.
CUT_SHARE = 0.25

#: Differences of clock readings are off by less than this share.
ROUNDING = 1e-6


@dataclass(frozen=True)
class SensedEnergy:
    """Gross energy of a window, or why there is none; flags say why it is wide."""

    gross: Quantity
    flags: tuple[Reason, ...] = ()

    def covers(self, truth_j: float) -> bool:
        """Whether the interval holds the truth; a window that was refused holds nothing."""
        if not self.gross.known:
            return False
        low_j, _, high_j = self.gross.bounds()
        return low_j <= truth_j <= high_j

    def half_width(self, truth_j: float) -> float:
        """Half of the interval, as a share of the truth; for a figure that is known."""
        low_j, _, high_j = self.gross.bounds()
        return (high_j - low_j) / 2.0 / truth_j


@dataclass(frozen=True)
class Shown:
    """What a sensor showed of a window, in J, before its gain and offset are thought of.

    ``low_j`` and ``high_j`` hold what it did not show; ``least_w`` is the lowest of its readings.
    """

    low_j: float
    value_j: float
    high_j: float
    length_s: float
    least_w: float
    flags: tuple[Reason, ...] = ()

    def offsets_w(self, sensor: Sensor) -> tuple[float, float]:
        """The offsets that the sensor may have, in W: no more than part of the least it showed."""
        return possible_offsets_w(sensor.offset_low_w, sensor.offset_high_w, self.least_w)


def sensed_energy(
    trace: PowerTrace,
    start_s: float,
    end_s: float,
    sensor: Sensor,
    grade: Grade = Grade.COUNTED,
) -> SensedEnergy:
    """Energy in J between two times of the trace's clock, as the sensor saw it.

    Missing where the window is too short for the sensor (WINDOW_TOO_SHORT), where the trace does
    not cover it and the sensor's delay after it (SENSOR_LOST), or has a gap (TRACE_GAP).
    """
    return sensed(shown_energy(trace, start_s, end_s, sensor), sensor, grade)


def sensed(shown: Shown | Quantity, sensor: Sensor, grade: Grade = Grade.COUNTED) -> SensedEnergy:
    """:func:`sensed_energy` of what :func:`shown_energy` gave."""
    if isinstance(shown, Quantity):
        return SensedEnergy(shown)
    return SensedEnergy(calibrated(shown, sensor, grade), shown.flags)


def sensed_ratio(
    trace: PowerTrace,
    window_s: tuple[float, float],
    other_s: tuple[float, float],
    sensor: Sensor,
    grade: Grade = Grade.COUNTED,
) -> SensedEnergy:
    """Energy of one window over that of another of the same trace, unit ``1``.

    (shown - offset x time) / (the same of the other): the gain cancels, the offset is the same in
    both, and what each window did not show is its own. Missing as :func:`sensed_energy` is.
    """
    shown, other = (shown_energy(trace, *edges_s, sensor) for edges_s in (window_s, other_s))
    if isinstance(shown, Shown) and isinstance(other, Shown):
        return ratio_of(shown, other, sensor, grade)
    lacking = other if isinstance(shown, Shown) else shown
    assert isinstance(lacking, Quantity)
    return SensedEnergy(lacking.model_copy(update={"unit": "1"}))


def ratio_of(
    shown: Shown, other: Shown, sensor: Sensor, grade: Grade = Grade.COUNTED
) -> SensedEnergy:
    """:func:`sensed_ratio` of windows that are summed up already."""
    least = min((shown, other), key=lambda window: window.least_w)
    offsets_w = least.offsets_w(sensor)
    central_w = min(max(0.0, offsets_w[0]), offsets_w[1])
    lows, highs = [], []
    for offset_w in offsets_w:
        mine, its = offset_w * shown.length_s, offset_w * other.length_s
        lows.append(max(0.0, shown.low_j - mine) / (other.high_j - its))
        below = other.low_j - its
        highs.append((shown.high_j - mine) / below if below > 0 else math.inf)
    flags = tuple(dict.fromkeys(shown.flags + other.flags))
    if math.isinf(max(highs)):
        detail = "the window that is divided by cannot be told from 0 J"
        return SensedEnergy(Quantity.missing("1", Reason.WINDOW_TOO_SHORT, detail), flags)
    value = (shown.value_j - central_w * shown.length_s) / (
        other.value_j - central_w * other.length_s
    )
    low, high = min(value, *lows), max(value, *highs)
    return SensedEnergy(Quantity.between(value, low, high, "1", grade=grade), flags)


def shown_energy(
    trace: PowerTrace, start_s: float, end_s: float, sensor: Sensor
) -> Shown | Quantity:
    """What the sensor showed of a window; a missing quantity as in :func:`sensed_energy`."""
    sensor, lag_error_s = lag_as_seen(trace, sensor)
    if (problem := _problem(trace, start_s, end_s, sensor)) is not None:
        return problem
    from_s, to_s = start_s + sensor.delay_s, end_s + sensor.delay_s
    length_s = end_s - start_s
    rise_w = trace.at(to_s) - trace.at(from_s)
    seen_j = max(0.0, trace.integral_j(from_s, to_s) + sensor.time_constant_s * rise_w)
    gap_s = trace.longest_gap_s(from_s, to_s)
    slack_j = sum(edge_slack_j(trace, edge_s, sensor, gap_s) for edge_s in (from_s, to_s))
    slack_j += lag_error_s * abs(rise_w) + sensor.quantum_w / 2 * length_s
    floor_w, ceiling_w = unseen_range_w(trace, sensor)
    # but for a lag, each moment is in a reading, of which none is lower; the last update may not be
    surely_j = 0.0 if sensor.time_constant_s else floor_w * (length_s - sensor.update_period_s)
    low_j, high_j = max(0.0, surely_j, seen_j - slack_j), seen_j + slack_j
    flags: tuple[Reason, ...] = ()
    if sensor.part_time:
        unseen_s = (1.0 - sensor.duty) * length_s
        low_j = sensor.duty * low_j + floor_w * unseen_s
        high_j = sensor.duty * high_j + max(ceiling_w, high_j / length_s) * unseen_s
        flags = (Reason.ALIASING,)
    return Shown(low_j, seen_j, high_j, length_s, floor_w, flags)


def _problem(trace: PowerTrace, start_s: float, end_s: float, sensor: Sensor) -> Quantity | None:
    length_s = end_s - start_s
    if length_s <= 0 or length_s < sensor.shortest_window_s * (1.0 - ROUNDING):
        detail = f"{length_s:.3g} s; this sensor needs {sensor.shortest_window_s:.3g} s or more"
        return Quantity.missing("J", Reason.WINDOW_TOO_SHORT, detail)
    longest_s = LONGEST_GAP_PERIODS * sensor.update_period_s
    if trace.start_s > start_s + longest_s or trace.end_s < end_s + sensor.delay_s - longest_s:
        detail = (
            f"the trace covers {trace.start_s:.6g} to {trace.end_s:.6g} s, the window and its "
            f"delay {start_s:.6g} to {end_s + sensor.delay_s:.6g} s"
        )
        return Quantity.missing("J", Reason.SENSOR_LOST, detail)
    gap_s = trace.longest_gap_s(start_s, end_s + sensor.delay_s)
    if gap_s > longest_s:
        detail = f"no reading for {gap_s:.3g} s, of a sensor that has one every "
        return Quantity.missing("J", Reason.TRACE_GAP, detail + f"{sensor.update_period_s:.3g} s")
    return None


def edge_slack_j(trace: PowerTrace, edge_s: float, sensor: Sensor, gap_s: float) -> float:
    """Energy in J that may lie on the wrong side of an edge (already shifted by the delay)."""
    reach_s = (sensor.update_period_s + sensor.averaging_s) / 2.0 + gap_s
    reach_s += TIME_CONSTANT_ERROR * sensor.time_constant_s
    look_s = reach_s + max(sensor.update_period_s, sensor.averaging_s)
    low_w, high_w = trace.extremes_w(edge_s - look_s, edge_s + look_s)
    # a lag shows a step of the load as a slow rise: what it hides is its slope times its constant
    hidden_w = sensor.time_constant_s * (high_w - low_w) / (2.0 * look_s)
    within_j = CUT_SHARE * sensor.update_period_s * (high_w - float(trace.power_w.min()))
    return reach_s * (high_w - low_w + hidden_w) + within_j


def unseen_range_w(trace: PowerTrace, sensor: Sensor) -> tuple[float, float]:
    """Lowest and highest power in W that a device may draw while its sensor does not look."""
    highest_w = float(trace.power_w.max())
    return float(trace.power_w.min()), max(highest_w, sensor.max_power_w or highest_w)


def calibrated(shown: Shown, sensor: Sensor, grade: Grade) -> Quantity:
    """What the sensor showed, as truth: (shown - offset) / gain over all that it may have.

    The value is taken with gain 1 and offset 0 where these are among them.
    """
    low_w, high_w = shown.offsets_w(sensor)
    gain = min(max(1.0, sensor.gain_low), sensor.gain_high)
    offset_w = min(max(0.0, low_w), high_w)
    value_j = max(0.0, shown.value_j - offset_w * shown.length_s) / gain
    return Quantity.between(
        value_j,
        min(value_j, max(0.0, shown.low_j - high_w * shown.length_s) / sensor.gain_high),
        max(value_j, (shown.high_j - low_w * shown.length_s) / sensor.gain_low),
        "J",
        grade=grade,
    )
