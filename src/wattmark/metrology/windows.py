"""Energy of a window from what a sensor showed: correction, interval, flags.

With D the sensor's delay (half an update period and half an averaging window) and c its time
constant, the energy between a and b is estimated as

    E = integral of the reading from a + D to b + D  +  c x (reading at b + D - reading at a + D)

The shift is the practice of Yang, Adamek and Armour (SC'24); the second term is exact for a
first-order lag, for which truth = reading + c x d(reading)/dt (Burtscher et al., GPGPU-7, 2014).

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
* *quantisation, gain, offset* of the sensor.

Pure; times in s, power in W, energy in J.
"""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.contracts import Sensor
from wattmark.metrology.power_trace import PowerTrace
from wattmark.quantities import Grade, Quantity, Reason

#: A gap between readings of more update periods than this is a loss, not a late reading.
LONGEST_GAP_PERIODS = 5.0

#: Of an update's energy above the lowest reading, what may lie on the wrong side of a cut in it.
CUT_SHARE = 0.25

#: Differences of clock readings are off by less than this share.
ROUNDING = 1e-6

#: How well the time constant of a lag is known, as a share of itself.
TIME_CONSTANT_ERROR = 0.2


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
    if (problem := _problem(trace, start_s, end_s, sensor)) is not None:
        return SensedEnergy(problem)
    from_s, to_s = start_s + sensor.delay_s, end_s + sensor.delay_s
    length_s = end_s - start_s
    lag_s = sensor.time_constant_s
    rise_w = trace.at(to_s) - trace.at(from_s)
    seen_j = max(0.0, trace.integral_j(from_s, to_s) + lag_s * rise_w)
    gap_s = trace.longest_gap_s(from_s, to_s)
    slack_j = sum(edge_slack_j(trace, edge_s, sensor, gap_s) for edge_s in (from_s, to_s))
    slack_j += TIME_CONSTANT_ERROR * lag_s * abs(rise_w) + sensor.quantum_w / 2 * length_s
    low_j, high_j = max(0.0, seen_j - slack_j), seen_j + slack_j
    flags: tuple[Reason, ...] = ()
    if sensor.part_time:
        floor_w, ceiling_w = unseen_range_w(trace, sensor)
        unseen_s = (1.0 - sensor.duty) * length_s
        low_j = sensor.duty * low_j + floor_w * unseen_s
        high_j = sensor.duty * high_j + max(ceiling_w, high_j / length_s) * unseen_s
        flags = (Reason.ALIASING,)
    return SensedEnergy(calibrated(seen_j, low_j, high_j, length_s, sensor, grade), flags)


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


def calibrated(
    seen_j: float, low_j: float, high_j: float, length_s: float, sensor: Sensor, grade: Grade
) -> Quantity:
    """What the sensor saw, as truth: (seen - offset) / gain over all gains and offsets it may have.

    The value is taken with gain 1 and offset 0 where these are among them.
    """
    gain = min(max(1.0, sensor.gain_low), sensor.gain_high)
    offset_w = min(max(0.0, sensor.offset_low_w), sensor.offset_high_w)
    value_j = max(0.0, seen_j - offset_w * length_s) / gain
    return Quantity.between(
        value_j,
        min(value_j, max(0.0, low_j - sensor.offset_high_w * length_s) / sensor.gain_high),
        max(value_j, (high_j - sensor.offset_low_w * length_s) / sensor.gain_low),
        "J",
        grade=grade,
    )
