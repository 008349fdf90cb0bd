"""The project's own tables: what no library ships, each number with its source."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict

from wattmark.factors.factor import Factor, Source
from wattmark.outside.documents import parse_yaml


class Figure(BaseModel):
    """A number of a table: exact where it has no range; ``sources`` name the table's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float | None = None
    high: float | None = None
    sources: tuple[str, ...] = ()

    def factor(self, name: str, unit: str, *sources: Source) -> Factor:
        """The factor that it is, by those sources."""
        return Factor.of(name, self.value, unit, *sources, low=self.low, high=self.high)


@cache
def read_table(name: str) -> Any:
    """The document ``tables/<name>.yaml``."""
    text = (files("wattmark.factors") / "tables" / f"{name}.yaml").read_text(encoding="utf-8")
    return parse_yaml(text).data
