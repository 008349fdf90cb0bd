"""Choose the meters of a run, and say what became of those that cannot be used."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from wattmark import registry
from wattmark.contracts import Availability, Meter, MeterInfo
from wattmark.errors import MeterError
from wattmark.quantities import Grade, Reason

#: Grades from most to least trusted.
_TRUST = tuple(Grade)

#: Reads whose median is the read cost of a survey.
_COST_READS = 21


@dataclass(frozen=True)
class SurveyedMeter:
    """What one registered meter is and whether it can be used here.

    ``info`` and ``read_cost_s`` (median time of one read) are None where it cannot; ``grade``
    is None where the plug-in could not even be imported.
    """

    name: str
    grade: Grade | None
    availability: Availability
    info: MeterInfo | None = None
    read_cost_s: float | None = None


def choose(names: Sequence[str] = ()) -> list[Meter]:
    """The meters of those names, or the best of all that are installed; none is opened yet.

    Without names, a meter is taken where it has the best grade for one of its domains: counters
    for ``gpu:*``, ``cpu`` and ``dram`` if they can be read, else the model for ``cpu``. Raises
    UnknownNameError for a name that nothing installed has, MeterError for a named meter that
    cannot be used here.
    """
    if not names:
        return _best()
    meters = [registry.meter(name) for name in dict.fromkeys(names)]
    for meter in meters:
        if not (availability := meter.probe()).available:
            raise MeterError(
                f"meter {meter.name!r} cannot be used here ({availability.reason}): "
                f"{availability.detail}; leave `meters` out of the plan to take the best there is"
            )
    return meters


def _best() -> list[Meter]:
    usable = [(s.name, s.info) for s in survey(cost=False) if s.info is not None]
    usable.sort(key=lambda found: _TRUST.index(found[1].grade))
    covered: set[str] = set()
    chosen: list[Meter] = []
    for name, info in usable:
        if new := set(info.domains) - covered:
            covered |= new
            chosen.append(registry.meter(name))
    return chosen


def survey(*, cost: bool = True) -> list[SurveyedMeter]:
    """Every registered meter, usable or not, in the order of names.

    With ``cost``, each usable meter is read a few times to time it. A plug-in that cannot be
    imported or opened is reported, not raised.
    """
    return [_examine(name, cost) for name in registry.names("meter")]


def _examine(name: str, cost: bool) -> SurveyedMeter:
    try:
        meter = registry.meter(name)
    except (ImportError, AttributeError) as error:
        detail = f"the plug-in could not be imported: {error}"
        return SurveyedMeter(name, None, Availability(False, Reason.NO_METER, detail))
    availability = meter.probe()
    if not availability.available:
        return SurveyedMeter(name, meter.grade, availability)
    try:
        info = meter.open(cores=1)
        read_cost_s = _read_cost_s(meter) if cost else None
    except MeterError as error:
        broken = Availability(False, Reason.READ_FAILED, str(error))
        return SurveyedMeter(name, meter.grade, broken)
    finally:
        meter.close()
    return SurveyedMeter(name, meter.grade, availability, info, read_cost_s)


def _read_cost_s(meter: Meter) -> float:
    costs = []
    for _ in range(_COST_READS):
        start_ns = time.perf_counter_ns()
        meter.read()
        costs.append(time.perf_counter_ns() - start_ns)
    return median(costs) / 1e9
