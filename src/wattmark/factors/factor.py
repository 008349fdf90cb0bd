"""A factor: a number somebody published or the user gave, and where it is from.

A factor's interval is what is thought possible: the span of the sources, or the range that the
source states. It is no confidence interval, so its level is 1: what is computed with it has the
level of what was measured, *if* the factor lies within its range. ``--explain`` prints both.
"""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict

from wattmark.quantities import Quantity, Reason


class Source(BaseModel):
    """Who published a number: ``year`` is the year that the number describes, where stated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    url: str = ""
    year: int | None = None
    licence: str = ""

    def __str__(self) -> str:
        what = [self.title, str(self.year or ""), self.licence, self.url]
        return ", ".join(w for w in what if w)


GIVEN = Source(title="given by the user")


class Factor(BaseModel):
    """A named quantity with its sources; ``note`` says how they were put together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    quantity: Quantity
    sources: tuple[Source, ...] = ()
    note: str = ""

    @classmethod
    def of(
        cls,
        name: str,
        value: float,
        unit: str,
        *sources: Source,
        low: float | None = None,
        high: float | None = None,
        note: str = "",
    ) -> Self:
        """A factor with its range; without ``low`` and ``high`` it is taken as exact."""
        quantity = Quantity.between(
            value,
            value if low is None else low,
            value if high is None else high,
            unit,
            level=1.0,
        )
        return cls(name=name, quantity=quantity, sources=sources, note=note)

    @classmethod
    def given(cls, name: str, value: float, unit: str) -> Self:
        """A factor that the user gave: exact, since they know their place and we do not."""
        return cls.of(name, value, unit, GIVEN)

    @classmethod
    def missing(cls, name: str, unit: str, reason: Reason, detail: str = "") -> Self:
        """No value, and why."""
        return cls(name=name, quantity=Quantity.missing(unit, reason, detail))
