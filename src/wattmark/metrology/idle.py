"""The three energies of a window: gross, idle-subtracted, idle-allocated.

A meter that sees a whole device cannot tell what the work added from what the device would have
used anyway. With the mean power P at idle, the window's wall time t and the share s of the device
that is reserved for the work:

    idle-subtracted = gross - P t
    idle-allocated  = gross - P t (1 - s)      that is, idle-subtracted + P t s

Every interval takes the extremes over the ends of both (rule 16). That is wider than need be where
the error of one sensor's gain is in both figures. A low end of the idle-subtracted energy may lie
below 0: that says that the work cannot be told from idle, and clipping it would make the mean of
many such windows too large. The idle-allocated energy is a share of what a device surely used, so
its low end is clipped at 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import stdev

from wattmark.errors import MeterError
from wattmark.metrology.student import t_95
from wattmark.quantities import Quantity, Reason
from wattmark.records import EnergyWindow


def idle_power(gross: Quantity, wall_s: float, parts_w: Sequence[float] = ()) -> Quantity:
    """Mean power in W of an idle time of ``wall_s`` seconds in which ``gross`` J were used.

    ``parts_w`` are the mean powers of up to ten equal parts of it: how much these differ widens
    the interval (95 % of Student's t). Missing where ``gross`` is. Raises MeterError for a time
    that is not above 0.
    """
    if not wall_s > 0:
        raise MeterError(f"idle power needs a time above 0 s, not {wall_s}")
    power = (gross / Quantity.exact(wall_s, "s")).to("W")
    if not power.known or len(parts_w) < 2:
        return power
    low, value, high = power.bounds()
    spread_w = t_95(len(parts_w) - 1) * stdev(parts_w) / math.sqrt(len(parts_w))
    return Quantity.between(
        value,
        min(value, max(0.0, low - spread_w)),  # a device that feeds back may be below 0
        high + spread_w,
        "W",
        level=min(0.95, power.level or 0.0),
        grade=power.grade,
    )


def reserved_share(domain: str, reserved_cores: int, machine_cores: int) -> float:
    """Share of a domain's idle energy that work on ``reserved_cores`` answers for, 0 to 1.

    A GPU is taken to be the work's alone (1); processor, memory and node are shared out by cores.
    Raises MeterError where there are no cores.
    """
    if reserved_cores < 1 or machine_cores < 1:
        raise MeterError(f"no share of {reserved_cores} reserved cores in {machine_cores}")
    return 1.0 if domain.startswith("gpu") else min(1.0, reserved_cores / machine_cores)


def idle_subtracted(gross: Quantity, idle_w: Quantity, wall_s: float) -> Quantity:
    """What the work added, in J; missing where gross or idle is.

    Missing (IDLE_NOT_MEASURED) too where even the high end lies below 0: then the machine was
    busier when its idle power was measured than in the window.
    """
    return _less_idle(gross, idle_w, wall_s)


def idle_allocated(gross: Quantity, idle_w: Quantity, wall_s: float, share: float) -> Quantity:
    """What the work added and its share of the idle energy, in J; low end clipped at 0.

    Missing as :func:`idle_subtracted`. Raises MeterError for a share outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise MeterError(f"a share of {share} is not within 0 to 1")
    found = _less_idle(gross, idle_w, wall_s * (1.0 - share))
    if found.value is None or found.value < 0 or (found.low or 0.0) >= 0:
        return found
    return found.model_copy(update={"low": 0.0})


def _less_idle(gross: Quantity, idle_w: Quantity, idle_s: float) -> Quantity:
    if not gross.known:
        return Quantity.missing("J", gross.reason or Reason.NOT_MEASURED, gross.detail)
    if idle_s == 0:
        return gross
    found = gross - (idle_w * Quantity.exact(idle_s, "s")).to("J")
    if found.high is not None and found.high < 0:
        detail = (
            f"the window used {gross.value:.3g} J, less than idle would have: the machine was busy "
            "when its idle power was measured"
        )
        return Quantity.missing("J", Reason.IDLE_NOT_MEASURED, detail)
    return found


def with_idle(window: EnergyWindow, idle_w: Quantity, share: float) -> EnergyWindow:
    """The window with both energies that need the power at idle.

    A window whose meter has told these itself (a model does) is returned as it is.
    """
    if window.idle_subtracted.reason is not Reason.IDLE_NOT_MEASURED:
        return window
    wall_s = (window.after.time_ns - window.before.time_ns) / 1e9
    return window.model_copy(
        update={
            "idle_subtracted": idle_subtracted(window.gross, idle_w, wall_s),
            "idle_allocated": idle_allocated(window.gross, idle_w, wall_s, share),
        }
    )
