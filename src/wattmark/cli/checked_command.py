"""A verb whose values are looked at before it starts."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import typer

from wattmark.cli.installed import NamesInstalled


class CheckedCommand(NamesInstalled):
    """A verb whose numbers are finite and of 64 bits, and whose texts are text."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As the library does it; then every value is looked at."""
        rest = super().parse_args(ctx, args)
        param: Any
        for param in self.params:
            for value in _each(ctx.params.get(param.name)):
                if (wrong := _objection(value)) is not None:
                    raise typer.BadParameter(wrong, ctx=ctx, param=param)
        return rest


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _objection(value: Any) -> str | None:
    """Why no verb can use the value; None where one can."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a finite number"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "the number has more than 64 bits"
    if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
        return f"{value!r} is not text in {sys.getfilesystemencoding()}"
    return None
