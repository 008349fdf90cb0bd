"""Energy of training: measured, from hardware and hours, or from floating-point operations.

All give the machines' energy (IT energy); PUE enters afterwards, once. The formulas of Strubell
and of Patterson stand under their names, as published, PUE included.
"""

from __future__ import annotations

from wattmark.errors import ImpactError
from wattmark.impact.steps import a_share, above_zero, not_negative
from wattmark.quantities import Grade, Quantity

#: Strubell et al. (2019), "Energy and Policy Considerations for Deep Learning in NLP",
#: arXiv 1906.02243, section 2: PUE of 2018, and pounds of CO2e per kWh (EPA 2018).
STRUBELL_PUE = 1.58
STRUBELL_LB_PER_KWH = 0.954


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


def inference_flop(parameters: Quantity, tokens: Quantity) -> Quantity:
    """About 2 x N operations per token; Kaplan et al. (2020), as above."""
    return _count("parameters", parameters) * _count("tokens", tokens) * Quantity.exact(2, "FLOP")


def strubell(
    hours: float, cpu_w: float, dram_w: float, gpu_w: float, gpus: int
) -> tuple[Quantity, Quantity]:
    """Strubell et al. (2019): (p_t, CO2e), kWh and kg.

    p_t = 1.58 t (p_c + p_r + g p_g) / 1000 and CO2e = 0.954 p_t, in pounds. The PUE is in p_t.
    """
    kwh = STRUBELL_PUE * hours * (cpu_w + dram_w + gpus * gpu_w) / 1000
    carbon = Quantity.exact(STRUBELL_LB_PER_KWH * kwh, "lb").to("kg")
    return _modelled(Quantity.exact(kwh, "kWh")), carbon


def patterson(
    hours: float, processors: float, average_w: float, pue: float, kg_per_kwh: float
) -> tuple[Quantity, Quantity]:
    """Patterson et al. (2021), arXiv 2104.10350, section 2.4: (energy, CO2e), MWh and t.

    MWh = hours x processors x average W x PUE / 10^6, t = MWh x kg/kWh.
    """
    if pue < 1:
        raise ImpactError(f"pue: {pue:g} is below 1")
    mwh = hours * processors * average_w * pue / 1e6
    return _modelled(Quantity.exact(mwh, "MWh")), Quantity.exact(mwh * kg_per_kwh, "t")


def _modelled(energy: Quantity) -> Quantity:
    return energy.model_copy(update={"grade": Grade.MODELLED})


def _count(name: str, quantity: Quantity) -> Quantity:
    not_negative(name, quantity)
    if quantity.unit not in ("1", "token"):
        raise ImpactError(f"{name}: a count is without unit, not in {quantity.unit}")
    return quantity.model_copy(update={"unit": "1"})
