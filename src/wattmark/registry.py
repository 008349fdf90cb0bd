"""Find instruments by entry point, so that third parties add one without a fork.

The groups are ``wattmark.tasks``, ``wattmark.models``, ``wattmark.frameworks``,
``wattmark.scenarios`` and ``wattmark.meters``. An entry point names a class that can be
constructed without arguments. Listing names imports nothing.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, cast

from wattmark.errors import UnknownNameError

if TYPE_CHECKING:
    from wattmark.contracts import Framework, Meter, Model, Scenario, Task


@cache
def _group(kind: str) -> dict[str, EntryPoint]:
    return {e.name: e for e in entry_points(group=f"wattmark.{kind}s")}


def names(kind: str) -> list[str]:
    """Names of all installed instruments of a kind (``task``, ``model``, ``framework`` ...)."""
    return sorted(_group(kind))


def _construct(kind: str, name: str) -> object:
    found = _group(kind)
    if name not in found:
        raise UnknownNameError(kind, name, found)
    return found[name].load()()


def task(name: str) -> Task:
    """The task of that name. Raises UnknownNameError."""
    return cast("Task", _construct("task", name))


def model(name: str) -> Model:
    """The model of that name. Raises UnknownNameError."""
    return cast("Model", _construct("model", name))


def framework(name: str) -> Framework:
    """The framework of that name. Raises UnknownNameError."""
    return cast("Framework", _construct("framework", name))


def scenario(name: str) -> Scenario:
    """The scenario of that name. Raises UnknownNameError."""
    return cast("Scenario", _construct("scenario", name))


def meter(name: str) -> Meter:
    """The meter of that name. Raises UnknownNameError."""
    return cast("Meter", _construct("meter", name))
