"""Choose the meters of a run, and say what became of those that cannot be used."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from wattmark import registry
from wattmark.contracts import Availability, Meter, MeterInfo, Scope
from wattmark.errors import InputError, MeterError
from wattmark.metering import configured
from wattmark.quantities import Grade, Reason
from wattmark.records.domains import MODELLED_NODE

#: Grades from most to least trusted.
_TRUST = tuple(Grade)

#: Reads whose median is the read cost of a survey; fewer where they take longer than this.
_COST_READS = 21
_COST_LIMIT_S = 0.5

#: Configured instruments are asked side by side, so that those that do not answer cost one time
#: limit and not one each.
_ASKED_AT_ONCE = 8


@dataclass(frozen=True)
class SurveyedMeter:
    """What one installed or configured meter is and whether it can be used here.

    ``info`` and ``read_cost_s`` (median time of one read) are None where it cannot; ``grade``
    is None where the plug-in could not even be imported, or its settings are wrong.
    """

    name: str
    grade: Grade | None
    availability: Availability
    info: MeterInfo | None = None
    read_cost_s: float | None = None


def names() -> list[str]:
    """Names of all installed and configured meters. Raises InputError for wrong settings."""
    return sorted([*registry.names("meter"), *configured.names()])


def named(name: str) -> Meter:
    """The installed meter of that name, else the configured one; not opened yet.

    Raises UnknownNameError, and InputError where its settings are wrong.
    """
    if name in registry.names("meter"):
        return registry.meter(name)
    return configured.meter(name)


def choose(wanted: Sequence[str] = ()) -> list[Meter]:
    """The meters of those names, or the best of all that there are; none is opened yet.

    Without names, a meter is taken where it has the best grade for one of its domains: counters
    for ``gpu:*``, ``cpu`` and ``dram`` if they can be read, else the model for ``cpu``, and
    besides them the best configured instrument for ``node``; one that is ``by_name_only`` is not.
    Raises UnknownNameError for a name that nothing has, InputError for wrong settings of
    configured instruments, MeterError for a named meter that cannot be used here.
    """
    if not wanted:
        return _best()
    meters = [named(name) for name in dict.fromkeys(wanted)]
    for meter in meters:
        if not (availability := meter.probe()).available:
            raise MeterError(
                f"meter {meter.name!r} cannot be used here ({availability.reason}): "
                f"{availability.detail}; leave `meters` out of the plan to take the best there is"
            )
    return meters


def _best() -> list[Meter]:
    for name in configured.names():
        configured.meter(name)
    found = [(s.name, s.info) for s in survey(cost=False) if s.info is not None]
    usable = [(name, info) for name, info in found if not info.by_name_only]
    usable.sort(key=lambda found: (_TRUST.index(found[1].grade), found[1].scope is Scope.PROCESS))
    covered: set[str] = set()
    chosen: list[Meter] = []
    sensed = {d for _, info in usable if info.grade is not Grade.MODELLED for d in info.domains}
    for name, info in usable:
        if name == MODELLED_NODE and "cpu" in sensed:
            continue  # its figure would take the place of one that was measured
        if new := set(info.domains) - covered:
            covered |= new
            chosen.append(named(name))
    return chosen


def survey(*, cost: bool = True) -> list[SurveyedMeter]:
    """Every installed meter and configured instrument, usable or not, then kinds not configured.

    With ``cost``, each usable meter is read a few times to time it. What cannot be imported or
    opened, and settings that are wrong, are reported and not raised.
    """
    installed = [_examine(name, registry.meter, cost) for name in registry.names("meter")]
    try:
        entries = configured.entries()
    except InputError as error:
        broken = Availability(False, Reason.NO_METER, str(error))
        return [*installed, SurveyedMeter(configured.settings_file().name, None, broken)]

    def examine(name: str) -> SurveyedMeter:
        return _examine(name, configured.meter, cost)

    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        own = list(pool.map(examine, sorted(entries)))
    kinds = {entry.get("kind") for entry in entries.values() if isinstance(entry, dict)}
    absent = [kind for kind in registry.names("meter_kind") if kind not in kinds]
    return [*installed, *own, *map(_not_configured, absent)]


def _not_configured(kind_name: str) -> SurveyedMeter:
    try:
        kind = registry.meter_kind(kind_name)
    except (ImportError, AttributeError) as error:
        return SurveyedMeter(kind_name, None, _unimportable(error))
    needs = f"it needs {kind.needs}; then name" if kind.needs else "name"
    detail = f"none configured: {needs} one in {configured.settings_file()}: {kind.example}"
    grade = kind.settings.model_fields["grade"].default
    return SurveyedMeter(kind_name, grade, Availability(False, Reason.NO_METER, detail))


def _unimportable(error: Exception) -> Availability:
    return Availability(False, Reason.NO_METER, f"the plug-in could not be imported: {error}")


def _examine(name: str, make: Callable[[str], Meter], cost: bool) -> SurveyedMeter:
    try:
        meter = make(name)
    except (ImportError, AttributeError) as error:
        return SurveyedMeter(name, None, _unimportable(error))
    except InputError as error:
        return SurveyedMeter(name, None, Availability(False, Reason.NO_METER, str(error)))
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
    costs: list[int] = []
    while len(costs) < _COST_READS and sum(costs) < 1e9 * _COST_LIMIT_S:
        start_ns = time.perf_counter_ns()
        meter.read()
        costs.append(time.perf_counter_ns() - start_ns)
    return median(costs) / 1e9
