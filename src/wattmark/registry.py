"""Find instruments by entry point, so that third parties add one without a fork.

The groups are ``wattmark.tasks``, ``wattmark.models``, ``wattmark.frameworks``,
``wattmark.scenarios`` and ``wattmark.meters``. An entry point names a class that can be
constructed without arguments. Listing names imports nothing.

Rating rules, exports and report formats are found the same way, in the groups ``wattmark.rules``,
``wattmark.exports``, ``wattmark.reports`` and, for loads of servers, ``wattmark.endpoint_reports``.

Models that are not instruments of their own, ``hub:ORG/NAME`` and ``folder:PATH``, are read by
the adapter of their task: a class in the group ``wattmark.adapters``, named as the task, that is
constructed with the model's whole name.

Kinds of instruments that a user names in a settings file stand in the group
``wattmark.meter_kinds``: an entry point names a :class:`~wattmark.contracts.MeterKind`.

Public data sets stand in the group ``wattmark.datasets``: an entry point is named as the task that
they are for, and names a tuple of them.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from wattmark.errors import AssetError, UnknownNameError

if TYPE_CHECKING:
    from wattmark.contracts import (
        DataSet,
        EndpointReportFormat,
        Export,
        Framework,
        LoadgenScenario,
        Meter,
        MeterKind,
        Model,
        ReportFormat,
        Rule,
        Scenario,
        Task,
    )

REFERENCE_SCHEMES = ("hub:", "folder:")


@cache
def _group(kind: str) -> dict[str, EntryPoint]:
    return {e.name: e for e in entry_points(group=f"wattmark.{kind}s")}


def names(kind: str) -> list[str]:
    """Names of all installed instruments of a kind (``task``, ``model``, ``framework`` ...)."""
    return sorted(_group(kind))


def _construct(kind: str, name: str, told: str = "") -> object:
    found = _group(kind)
    if name not in found:
        raise UnknownNameError(told or kind, name, found)
    return found[name].load()()


def task(name: str) -> Task:
    """The task of that name. Raises UnknownNameError."""
    return cast("Task", _construct("task", name))


@cache
def higher_is_better(task_name: str) -> bool:
    """Whether more of a task's metric is better; of a task that is not installed, it is."""
    try:
        return task(task_name).higher_is_better
    except UnknownNameError:
        return True


def model(name: str, task: str = "") -> Model:
    """The model of that name; ``task`` says what one of the hub or a folder is for.

    Raises UnknownNameError.
    """
    if is_reference(name):
        adapters = _group("adapter")
        if task not in adapters:
            raise UnknownNameError("task with models from the hub or a folder", task, adapters)
        return cast("Model", adapters[task].load()(name))
    return cast("Model", _construct("model", name))


def datasets(task: str) -> tuple[DataSet, ...]:
    """The public data sets of a task; none where nothing installed has any."""
    found = _group("dataset")
    return tuple(found[task].load()) if task in found else ()


def is_reference(model: str) -> bool:
    """Whether a model's name says where it lies (``hub:``, ``folder:``)."""
    return model.startswith(REFERENCE_SCHEMES)


def card(kind: str, name: str) -> str:
    """The card (Markdown) of a task or model: the file beside its module, of the same name.

    Raises UnknownNameError, and AssetError where there is none.
    """
    found = _group(kind)
    if name not in found:
        raise UnknownNameError(kind, name, found)
    spec = find_spec(found[name].module)
    path = Path(spec.origin).with_suffix(".md") if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        raise AssetError(f"{kind} {name} has no card: {found[name].module} has no .md beside it")
    return path.read_text(encoding="utf-8")


def framework(name: str) -> Framework:
    """The framework of that name. Raises UnknownNameError."""
    return cast("Framework", _construct("framework", name))


def scenario(name: str) -> Scenario:
    """The scenario of that name. Raises UnknownNameError."""
    return cast("Scenario", _construct("scenario", name))


def loadgen_scenario(name: str) -> LoadgenScenario:
    """The scenario of that name, as LoadGen drives it. Raises UnknownNameError."""
    return cast("LoadgenScenario", _construct("scenario", name))


def meter(name: str) -> Meter:
    """The meter of that name. Raises UnknownNameError."""
    return cast("Meter", _construct("meter", name))


def rule(name: str) -> Rule:
    """The rating rule of that name. Raises UnknownNameError."""
    return cast("Rule", _construct("rule", name, "rating rule"))


def export(name: str) -> Export[Any]:
    """The export format of that name. Raises UnknownNameError."""
    return cast("Export[Any]", _construct("export", name, "export format"))


def report_format(name: str) -> ReportFormat:
    """The report format of that name. Raises UnknownNameError."""
    return cast("ReportFormat", _construct("report", name, "report format"))


def endpoint_report_format(name: str) -> EndpointReportFormat:
    """The format of that name for a load of a server. Raises UnknownNameError."""
    found = _construct("endpoint_report", name, "report format")
    return cast("EndpointReportFormat", found)


def meter_kind(name: str) -> MeterKind:
    """The kind of configured instrument of that name. Raises UnknownNameError."""
    found = _group("meter_kind")
    if name not in found:
        raise UnknownNameError("meter kind", name, found)
    return cast("MeterKind", found[name].load())
