"""What the conductor tells whoever watches: one event per step, never while a window is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a run is."""

    DATA = "data"
    REFERENCE = "reference"
    PREPARE = "prepare"
    LOAD = "load"
    WARM_UP = "warm-up"
    IDLE = "idle"
    MEASURE = "measure"
    FAILED = "failed"


@dataclass(frozen=True)
class Event:
    """``done`` of ``total`` steps of ``stage``; ``remaining_s`` is an estimate or None."""

    stage: Stage
    done: int
    total: int
    trial: str = ""
    text: str = ""
    remaining_s: float | None = None


Observer = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An observer that does not look."""
