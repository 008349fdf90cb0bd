"""A machine's power over its load: P = idle + (full - idle) x utilisation. Pure.

Fitted by least squares with Huber's weights (k = 1.345: 95 % efficient on normal errors), so that
a window in which something else ran counts less. The interval of each end is that of one more
window there (prediction interval by Student's t), not of the mean: it includes that a real
machine is not quite a line (turbo clocks fall as cores fill up).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.errors import MeterError
from wattmark.metrology.cpu_power import DEFAULT_MODEL, PowerModel
from wattmark.quantities import Grade, Quantity

_HUBER_K = 1.345
_MAD_TO_SD = 1.4826
_ROUNDS = 50
_LEVEL = 0.95

#: Fewest windows, and the least range of utilisation, from which a line is fitted.
FEWEST_POINTS = 4
LEAST_RANGE = 0.3

#: Of what a node meter shows to grow with load, not all is the processor: losses of the power
#: supply (80 PLUS Bronze: up to 18 %), memory and fans. Judged together as at most 30 %.
NOT_THE_PROCESSOR = 0.30


@dataclass(frozen=True)
class LoadLine:
    """Watts at idle and with all cores busy, and the spread of windows around the line."""

    idle_w: Quantity
    full_w: Quantity
    residual_w: float


def fit_load_line(utilisations: Sequence[float], powers_w: Sequence[float]) -> LoadLine:
    """The line through windows of these utilisations (0 to 1) and mean powers.

    Raises MeterError where there are too few windows, where they do not differ enough in load, or
    where power does not grow with it.
    """
    import numpy as np
    from scipy.special import stdtrit

    load, power = np.asarray(utilisations, dtype=float), np.asarray(powers_w, dtype=float)
    if load.size < FEWEST_POINTS or load.size != power.size:
        raise MeterError(f"a load line needs at least {FEWEST_POINTS} windows, not {load.size}")
    if np.ptp(load) < LEAST_RANGE:
        raise MeterError(
            f"utilisation went from {load.min():.0%} to {load.max():.0%} only, which says nothing "
            "of the slope: free the machine of other work, or allow this process more cores"
        )
    design = np.column_stack([1 - load, load])
    weights = np.ones_like(load)
    for _ in range(_ROUNDS):
        root = np.sqrt(weights)
        ends, *_rest = np.linalg.lstsq(design * root[:, None], power * root, rcond=None)
        residuals = power - design @ ends
        scale = _MAD_TO_SD * float(np.median(np.abs(residuals)))
        if scale <= 1e-12 * float(np.abs(power).max()):
            break
        weights = 1 / np.maximum(1.0, np.abs(residuals) / (_HUBER_K * scale))
    idle_w, full_w = (float(end) for end in ends)
    if not full_w > max(idle_w, 0.0):
        raise MeterError(
            f"power did not grow with load ({idle_w:.3g} W at idle, {full_w:.3g} W at full): the "
            "meter does not cover this processor, or something else ran"
        )
    freedom = load.size - 2
    residual_w = float(np.sqrt((weights * residuals**2).sum() / freedom))
    spread = np.linalg.inv(design.T @ (design * weights[:, None]))
    factor = float(stdtrit(freedom, (1 + _LEVEL) / 2)) * residual_w
    half_idle, half_full = (factor * float(np.sqrt(1 + spread[i, i])) for i in (0, 1))
    idle_w = max(idle_w, 0.0)
    return LoadLine(
        Quantity.between(idle_w, max(0.0, idle_w - half_idle), idle_w + half_idle, "W"),
        Quantity.between(full_w, max(0.0, full_w - half_full), full_w + half_full, "W"),
        residual_w,
    )


def scaled(power_w: Quantity, low: float, high: float, grade: Grade) -> Quantity:
    """The power with the meter's own error on top: ends times ``low`` <= 1 and ``high`` >= 1."""
    first, value, last = power_w.to("W").bounds()
    return Quantity.between(
        value, first * low, last * high, "W", level=power_w.level or _LEVEL, grade=grade
    )


def processor_model(idle_w: Quantity, full_w: Quantity, logical_cpus: int) -> PowerModel:
    """Watts per logical CPU of a machine whose processor was measured by itself.

    Raises MeterError where the interval of the full power reaches 0.
    """
    idle_low, idle, idle_high = idle_w.to("W").bounds()
    full_low, full, full_high = full_w.to("W").bounds()
    if full_low <= 0:
        raise MeterError("the full power is not told apart from 0 W: calibrate with longer steps")
    share = Quantity.between(
        min(1.0, idle / full),
        min(1.0, idle_low / full_high),
        min(1.0, idle_high / full_low),
        "1",
        level=_LEVEL,
    )
    return PowerModel.widened(full_w / logical_cpus, share)


def node_model(idle_w: Quantity, full_w: Quantity, logical_cpus: int) -> PowerModel:
    """Watts per logical CPU of a machine that was measured as a whole.

    Only the growth with load is taken: what of the idle power is the processor's, a node meter
    cannot tell, so the default idle share stays. Of the growth, up to NOT_THE_PROCESSOR is other
    parts. Raises MeterError where the growth is not told apart from 0.
    """
    growth = (full_w - idle_w) / logical_cpus
    low, value, high = growth.to("W").bounds()
    if low <= 0:
        raise MeterError(
            "the power at full load is not told apart from that at idle: calibrate with longer "
            "steps, or give readings with a smaller error"
        )
    share_low, share, share_high = DEFAULT_MODEL.idle_share.bounds()
    busy = Quantity.between(
        value * (1 - NOT_THE_PROCESSOR / 2) / (1 - share),
        low * (1 - NOT_THE_PROCESSOR) / (1 - share_low),
        high / (1 - share_high),
        "W",
        level=growth.level or 0.0,
    )
    return PowerModel.widened(busy, DEFAULT_MODEL.idle_share)
