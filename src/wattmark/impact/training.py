"""Energy of training: measured, from hardware and hours, or from floating-point operations.

All give the machines' energy (IT energy); PUE enters afterwards, once.
"""

from __future__ import annotations

from wattmark.errors import ImpactError
from wattmark.impact.steps import a_share, above_zero, not_negative
from wattmark.quantities import Grade, Quantity


def from_hardware(hours: Quantity, devices: Quantity, power: Quantity) -> Quantity:
    """E_IT = hours x devices x average power of a device (W, with its share of the server)."""
    for name, quantity in (("hours", hours), ("devices", devices), ("power", power)):
        above_zero(name, quantity)
    return _modelled((hours * devices * power).to("kWh"))


def from_flop(flop: Quantity, peak: Quantity, mfu: Quantity, power: Quantity) -> Quantity:
    """E_IT = FLOP / (peak x MFU) x power, peak (FLOP/s) and power (W) being of one device.

    MFU is the model FLOPs utilisation of Chowdhery et al. (2022), arXiv 2204.02311, appendix B.
    """
    for name, quantity in (("flop", flop), ("peak", peak), ("mfu", mfu), ("power", power)):
        above_zero(name, quantity)
    a_share("mfu", mfu)
    return _modelled((flop / (peak * mfu) * power).to("kWh"))


def training_flop(parameters: Quantity, tokens: Quantity) -> Quantity:
    """About 6 x N x D operations for N parameters and D tokens.

    An approximation for dense transformers: attention over long contexts is left out. Source:
    Kaplan et al. (2020), arXiv 2001.08361, section 2.1.
    """
    return _count("parameters", parameters) * _count("tokens", tokens) * Quantity.exact(6, "FLOP")


def _modelled(energy: Quantity) -> Quantity:
    return energy.model_copy(update={"grade": Grade.MODELLED})


def _count(name: str, quantity: Quantity) -> Quantity:
    not_negative(name, quantity)
    if quantity.unit not in ("1", "token"):
        raise ImpactError(f"{name}: a count is without unit, not in {quantity.unit}")
    return quantity.model_copy(update={"unit": "1"})
