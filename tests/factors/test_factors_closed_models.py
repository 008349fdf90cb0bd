"""Closed models: EcoLogits' estimate is within what its published formulas give, step by step."""

from __future__ import annotations

import math

import pytest

from wattmark.errors import ImpactError, UnknownNameError
from wattmark.factors.closed_models import estimate
from wattmark.factors.devices import device
from wattmark.factors.packaged import ECOLOGITS, read_json
from wattmark.factors.zones import find_zone
from wattmark.impact import steps
from wattmark.quantities import Grade, Quantity

ONE = Quantity.exact(1.0, "1")
BATCH = 64


def published(billions: float, tokens: int, pue: float, mix: dict[str, float]) -> dict[str, float]:
    """EcoLogits' methodology (LLM inference) for a dense model of open size, in our own steps."""
    gpu_wh = tokens * (1.16653447e-6 * math.exp(-0.0112060e0 * BATCH) * billions + 4.05293e-5)
    seconds = tokens * (6.78509e-4 * billions + 3.11931e-4 * BATCH + 1.94737e-2)
    gpus = 2 ** math.ceil(math.log2(math.ceil(1.2 * billions * 2 / 80)))
    server_wh = seconds / 3600 * 1200 * gpus / 8 / BATCH
    it = Quantity.exact(server_wh + gpus * gpu_wh, "Wh")
    facility = steps.facility_energy(it, Quantity.exact(pue, "1"))
    use_kg = steps.emissions(facility, Quantity.exact(mix["gwp"], "kg/kWh"))
    time = Quantity.exact(seconds / BATCH, "s")
    made_kg = [
        steps.embodied(
            device(name).carbon.quantity,
            time,
            Quantity.exact(3, "year"),
            share=Quantity.exact(share, "1"),
            utilisation=ONE,
            count=count,
        )
        for name, share, count in (("ai-server", gpus / 8, 1), ("gpu", 1.0, gpus))
    ]
    carbon = use_kg.to("kg").bounds()[1] + sum(m.to("kg").bounds()[1] for m in made_kg)
    return {"energy": facility.to("kWh").bounds()[1], "carbon": carbon}


@pytest.mark.parametrize(
    "name",
    [
        "meta-llama/Meta-Llama-3.1-70B-Instruct",
        "databricks/dolly-v1-6b",
        "databricks/dolly-v2-12b",
    ],
)
def test_three_open_models_are_as_the_published_formulas_have_them(name: str) -> None:
    listed = read_json(ECOLOGITS, "data/models.json")["models"]
    billions = next(m for m in listed if m["name"] == name)["architecture"]["parameters"]
    mixes = read_json(ECOLOGITS, "data/electricity_mixes.json")["electricity_mixes"]
    mix = next(m for m in mixes if m["name"] == "USA")
    found = estimate(name, 400, find_zone("US"))
    for pue in (1.09, 1.14):  # the range that EcoLogits has for this provider
        ours = published(billions, 400, pue, mix)
        for title, key in (("Energy of the facility", "energy"), ("CO2e", "carbon")):
            low, _, high = found.impacts[title].bounds()
            assert 0.995 * low <= ours[key] <= 1.005 * high, (title, pue)


def test_the_estimate_says_that_it_is_one() -> None:
    found = estimate("openai/gpt-4o", 400)
    assert {q.grade for q in found.impacts.values()} == {Grade.PARAMETRIC}
    low, _, high = found.impacts["Energy of the facility"].bounds()
    assert low < high
    assert any("not been released" in w for w in found.warnings)


def test_a_dirtier_grid_gives_more_carbon_and_the_same_energy() -> None:
    clean, dirty = (estimate("gpt-4o", 400, find_zone(z)).impacts for z in ("IS", "IN"))
    assert clean["Energy of the facility"] == dirty["Energy of the facility"]
    assert clean["CO2e"].bounds()[1] < dirty["CO2e"].bounds()[1]


def test_an_unknown_model_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="gpt-4o"):
        estimate("gpt-4oo", 400)
    with pytest.raises(ImpactError, match="output_tokens: 0"):
        estimate("gpt-4o", 0)
