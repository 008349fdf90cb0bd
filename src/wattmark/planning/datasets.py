"""What a plan's ``data`` names, and the sample drawn from it.

``imdb`` is a public data set of the plan's task, ``aies`` stands for several, and
``imdb=folder:PATH`` is a copy on disk, laid out as the hub's repository.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from wattmark import registry
from wattmark.contracts import DataSet, Example, Task
from wattmark.errors import PlanError, UnknownNameError
from wattmark.records import TaskInfo, content_digest
from wattmark.tasks.sampling import drawn_equally

_FOLDER = "folder:"


@dataclass(frozen=True)
class Named:
    """A data set, and the folder of the user's copy if one was given."""

    dataset: DataSet
    folder: Path | None = None


def named(task: str, entry: str) -> list[Named]:
    """What one entry of a plan's ``data`` stands for. Raises PlanError and UnknownNameError."""
    known: dict[str, list[DataSet]] = {}
    for dataset in registry.datasets(task):
        for name in (dataset.name, *dataset.collections):
            known.setdefault(name, []).append(dataset)
    name, equals, place = entry.partition("=")
    if name not in known:
        raise UnknownNameError(f"data set for {task}", name, known)
    if not equals:
        return [Named(dataset) for dataset in known[name]]
    if not place.startswith(_FOLDER) or place == _FOLDER:
        raise PlanError(f"{entry!r} is not of the form NAME or NAME={_FOLDER}PATH")
    if known[name][0].name != name:
        several = ", ".join(dataset.name for dataset in known[name])
        raise PlanError(
            f"{name!r} stands for several data sets: give a folder for each ({several})"
        )
    return [Named(known[name][0], Path(place.removeprefix(_FOLDER)))]


def load(
    task: Task, data: Sequence[str], samples: int, seed: int
) -> tuple[TaskInfo, list[Example]]:
    """The task's own sample where ``data`` is empty, else one drawn equally from what it names.

    A data set that is named twice counts once, and a copy on disk goes before the hub. Raises
    AssetError, MissingPackageError and PlanError.
    """
    if not data:
        return task.load(samples, seed)
    chosen: dict[str, Named] = {}
    for found in chain.from_iterable(named(task.name, entry) for entry in data):
        if found.folder is not None or found.dataset.name not in chosen:
            chosen[found.dataset.name] = found
    drawn = [c.dataset.draw(samples, seed, c.folder) for c in chosen.values()]
    if empty := [name for name, (_, found) in zip(chosen, drawn, strict=True) if not found]:
        raise PlanError(f"{', '.join(empty)} gave no example for {task.name}")
    examples = drawn_equally([found for _, found in drawn], samples, seed)
    sets = [c.dataset for c in chosen.values()]
    info = TaskInfo(
        name=task.name,
        unit=sets[0].unit,
        metric=task.metric,
        samples=len(examples),
        data_digest=content_digest([[_identity(e.data), _identity(e.label)] for e in examples]),
        licence="; ".join(f"{d.name}: {d.licence}" for d in sets),
        sources=tuple(source for source, _ in drawn),
        description=f"{len(examples)} examples drawn equally from {', '.join(chosen)}",
    )
    return info, examples


def _identity(value: Any) -> Any:
    """The value, or the sha256 of what has no JSON form."""
    if isinstance(value, np.ndarray):
        return hashlib.sha256(value.tobytes()).hexdigest()
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, Mapping):
        return {str(key): _identity(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_identity(item) for item in value]
    return value
