"""Closed models behind an API: what EcoLogits' model of them says, with its range.

Nobody outside can meter such a model. The estimate is parametric: the size of the model is
itself a guess within a range, the hardware and batch are assumed. It is labelled so everywhere
and is never rated. Needs the package ``ecologits`` (extra ``impact``).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from wattmark.errors import ImpactError, MissingPackageError, UnknownNameError
from wattmark.factors.factor import Source
from wattmark.factors.packaged import ECOLOGITS, LICENCES, title
from wattmark.factors.zones import Zone
from wattmark.quantities import Grade, Quantity

#: What EcoLogits calls an impact -> (title, unit)
_IMPACTS = {
    "energy": ("Energy of the facility", "kWh"),
    "gwp": ("CO2e", "kg"),
    "adpe": ("Minerals (ADPe)", "kgSb"),
    "pe": ("Primary energy", "MJ"),
    "wcf": ("Water", "L"),
}


@dataclass(frozen=True)
class Estimate:
    """A reply's estimated impacts by title, use and embodied together, and what was said of it."""

    provider: str
    model: str
    output_tokens: int
    impacts: dict[str, Quantity]
    warnings: tuple[str, ...]
    source: Source


def estimate(name: str, output_tokens: int, zone: Zone | None = None) -> Estimate:
    """What a reply of ``output_tokens`` tokens is estimated to take, per query.

    ``name`` is ``provider/model`` or a model's name alone; ``zone`` is where the model is taken to
    run, or where EcoLogits takes its provider to run. Raises UnknownNameError with the nearest
    names, ImpactError, MissingPackageError.
    """
    try:
        from ecologits.model_repository import models
        from ecologits.tracers.utils import llm_impacts
    except ImportError:
        raise MissingPackageError(
            "ecologits is not installed, and closed models are its: pip install 'wattmark[impact]'"
        ) from None
    if output_tokens < 1:
        raise ImpactError(f"output_tokens: {output_tokens} is less than one token")
    provider, model = _found(name, models.list_models())
    logging.getLogger("ecologits").setLevel(logging.ERROR)  # its warnings are in the estimate
    answer = llm_impacts(
        provider=provider,
        model_name=model,
        output_token_count=output_tokens,
        request_latency=float("inf"),  # no latency was seen: EcoLogits takes its own estimate
        electricity_mix_zone=zone.country if zone is not None else None,
    )
    if answer.has_errors:
        raise ImpactError("; ".join(str(error) for error in answer.errors or ()))
    warnings = [w.message for w in answer.warnings or ()]
    if zone is not None and zone.part:
        warnings.append(f"{zone.name}: the grid is the country's; EcoLogits knows whole countries")
    return Estimate(
        provider=provider,
        model=model,
        output_tokens=output_tokens,
        impacts={
            told: _quantity(getattr(answer, key).value, unit)
            for key, (told, unit) in _IMPACTS.items()
            if getattr(answer, key) is not None
        },
        warnings=tuple(warnings),
        source=Source(
            title=title(ECOLOGITS), url="https://ecologits.ai", licence=LICENCES[ECOLOGITS]
        ),
    )


def _found(name: str, listed: Any) -> tuple[str, str]:
    known: dict[str, tuple[str, str]] = {}
    for entry in listed:
        provider = getattr(entry.provider, "value", str(entry.provider))
        known.setdefault(entry.name.lower(), (provider, entry.name))
        known[f"{provider}/{entry.name}".lower()] = (provider, entry.name)
    if name.strip().lower() not in known:
        raise UnknownNameError("model", name.strip().lower(), known)
    return known[name.strip().lower()]


def _quantity(value: Any, unit: str) -> Quantity:
    """EcoLogits gives a number, or a range ``min`` and ``max`` of which the middle is taken."""
    low = float(getattr(value, "min", value))
    high = float(getattr(value, "max", value))
    return Quantity.between(
        (low + high) / 2, low, high, f"{unit}/query", level=1.0, grade=Grade.PARAMETRIC
    )
