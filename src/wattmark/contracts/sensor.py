"""What is known of a power sensor: how often it looks, for how long, how true it is."""

from __future__ import annotations

from dataclasses import dataclass

#: A window of fewer update periods than this is refused: the edges would dominate it.
MIN_UPDATE_PERIODS = 10


@dataclass(frozen=True)
class Sensor:
    """A sensor that gives watts, in the terms of Yang, Adamek and Armour (SC'24).

    Every ``update_period_s`` it shows the mean of the last ``averaging_s`` (0: one instant).
    ``duty`` is the share of the time in which it looks: below 1, a load in step with it aliases.
    ``time_constant_s`` is that of a first-order lag (0: it follows at once). ``quantum_w`` is the
    step of its figures. reading = gain x truth + offset, with the gain and the offset somewhere in
    the given ranges. ``max_power_w`` is what the device can draw, where known.
    """

    update_period_s: float
    averaging_s: float = 0.0
    duty: float = 1.0
    time_constant_s: float = 0.0
    quantum_w: float = 0.0
    gain_low: float = 1.0
    gain_high: float = 1.0
    offset_low_w: float = 0.0
    offset_high_w: float = 0.0
    max_power_w: float | None = None

    @property
    def part_time(self) -> bool:
        """Whether some of the load is never seen."""
        return self.duty < 1.0

    @property
    def shortest_window_s(self) -> float:
        """Ten updates, and no less than it averages or lags: below, the edges are everything."""
        return max(
            MIN_UPDATE_PERIODS * self.update_period_s, self.averaging_s, 2.0 * self.time_constant_s
        )

    @property
    def delay_s(self) -> float:
        """How far in the past the middle of what it shows lies, on average over its updates."""
        return (self.update_period_s + self.averaging_s) / 2.0
