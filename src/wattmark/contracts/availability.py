"""Whether an instrument can be used here."""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.quantities import Reason


@dataclass(frozen=True)
class Availability:
    """Whether an instrument can be used here; if not, the reason and the cure."""

    available: bool
    reason: Reason | None = None
    detail: str = ""
