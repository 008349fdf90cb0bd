"""Lists as people type them: ``1,2,4``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import typer

T = TypeVar("T", int, float)


def parse_list(text: str, read: Callable[[str], T], what: str) -> list[T]:
    """The entries of ``1,2,4``; ``what`` names them to the person."""
    try:
        return [read(word) for word in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of {what} such as 1,2,4") from None
