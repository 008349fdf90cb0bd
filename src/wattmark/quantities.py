"""Quantities: a number with its unit, its interval and, for energy, the grade of its origin.

A quantity either has a value *and* an interval, or it has neither and says why (:class:`Reason`).
There is no third state: a missing figure is never 0. Units are those of :mod:`wattmark.units`.

Intervals are combined by taking the extremes over all end points. For ``x / [a, b]`` that is
``[x / b, x / a]``. When two intervals of levels p and q are combined, the result has level
``p + q - 1`` (Bonferroni's inequality): it holds whatever the dependence between the two. Parts
that hang on one unknown are added up by :func:`sum_of_parts`, which keeps their level.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from enum import StrEnum
from functools import reduce
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from wattmark.errors import SentenceCode, UnitError
from wattmark.units import combined_unit, conversion_factor, parse_unit

__all__ = [
    "Grade",
    "Quantity",
    "Reason",
    "conversion_factor",
    "least_trusted",
    "sum_of_parts",
]


class Grade(StrEnum):
    """How an energy figure was obtained, from most to least trusted."""

    METERED = "metered"
    COUNTED = "counted"
    MODELLED = "modelled"
    PARAMETRIC = "parametric"


_TRUST = list(Grade)


def least_trusted(*grades: Grade | None) -> Grade | None:
    """The weakest of the grades that are given, or None where none is."""
    given = [g for g in grades if g is not None]
    return max(given, key=_TRUST.index) if given else None


class Reason(SentenceCode):
    """Why a figure is missing, or, as a flag of a figure, why it is less sure than it looks.

    Each member has a ``sentence`` for the person who meets it.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        # names in records of schema version 2 and before
        former = {"no_permission": "permission", "wrap_ambiguous": "counter_wrapped"}
        return cls[former[value].upper()] if isinstance(value, str) and value in former else None

    NO_METER = "no_meter", "No instrument on this machine covers it."
    NO_METER_ON_SERVER = (
        "no_meter_on_server",
        "No instrument covers the machine of the server: name one with --meter.",
    )
    PERMISSION = "permission", "The instrument is there but may not be read."
    NO_ENERGY_COUNTER = "no_energy_counter", "The device has no counter of energy."
    WINDOW_TOO_SHORT = (
        "window_too_short",
        "The window holds too few updates of the sensor to say anything.",
    )
    ALIASING = (
        "aliasing",
        "The sensor looks only part of the time, and a load in step with it would be seen wrongly.",
    )
    SHARED_DEVICE = (
        "shared_device",
        "Programs of others had the device open meanwhile: the figure is an upper bound.",
    )
    DEVICE_DIVIDED = (
        "device_divided",
        "Only a slice of the device was used (MIG), and its energy cannot be divided.",
    )
    READ_FAILED = "read_failed", "The instrument could not be read, or gave no usable value."
    SENSOR_LOST = "sensor_lost", "The instrument stopped answering within the window."
    COUNTER_RESET = "counter_reset", "The counter went back: a reset, or readings of two sources."
    COUNTER_WRAPPED = (
        "counter_wrapped",
        "So much time lay between two readings that the counter may have wrapped unseen.",
    )
    CLOCK_WENT_BACK = "clock_went_back", "The times of the readings are not in order."
    TRACE_GAP = "trace_gap", "The recording has a gap within the window."
    CONTENTION = "contention", "Other programs used the machine within the window."
    IDLE_NOT_MEASURED = "idle_not_measured", "The power at idle is not known, so it stays in."
    NOT_MEASURED = "not_measured", "Nobody measured it."
    NOT_SUPPORTED = "not_supported", "It does not exist for what was measured."
    TOO_FEW_SAMPLES = "too_few_samples", "There are too few samples for an interval."
    NO_BASELINE = "no_baseline", "What it is relative to gave no result."
    NO_CORRECT_ANSWER = "no_correct_answer", "No answer was right, so nothing can be shared out."
    TRIAL_FAILED = "trial_failed", "The trial failed."
    TOO_WEAK_FOR_THE_TASK = (
        "too_weak_for_the_task",
        "The reference is no better than chance at this task: it cannot tell setups apart.",
    )
    UNTRAINED = "untrained", "The model was not trained for this."
    NOT_GIVEN = "not_given", "It was not given, and no default stands in for it."
    NO_FACTOR = "no_factor", "No installed source has this factor for the place or the device."
    NO_BREAK_EVEN = "no_break_even", "No number of queries surely pays for it."
    NOT_ASKED = "not_asked", "The plan did not ask for it."


class Quantity(BaseModel):
    """A value with unit and interval, or the reason why there is none.

    ``level`` is the confidence level of ``[low, high]``; an exact count has level 1 and
    low = value = high. ``grade`` is set for energy and for what is derived from it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None
    level: float | None = None
    grade: Grade | None = None
    reason: Reason | None = None
    detail: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        parse_unit(self.unit)
        if self.value is None:
            if self.reason is None:
                raise ValueError("a quantity without a value needs a reason")
            if self.low is not None or self.high is not None or self.level is not None:
                raise ValueError("a quantity without a value has no interval")
            return self
        if self.reason is not None:
            raise ValueError("a quantity with a value has no reason to be missing")
        if self.low is None or self.high is None or self.level is None:
            raise ValueError("a quantity with a value needs low, high and level")
        if not all(math.isfinite(v) for v in (self.value, self.low, self.high)):
            raise ValueError("a quantity is finite")
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} is not within [{self.low}, {self.high}]")
        if not 0 <= self.level <= 1:
            raise ValueError("a confidence level lies between 0 and 1")
        return self

    @classmethod
    def exact(cls, value: float, unit: str, grade: Grade | None = None) -> Self:
        """A count or a definition: no uncertainty."""
        return cls(value=value, unit=unit, low=value, high=value, level=1.0, grade=grade)

    @classmethod
    def between(
        cls,
        value: float,
        low: float,
        high: float,
        unit: str,
        *,
        level: float = 0.95,
        grade: Grade | None = None,
    ) -> Self:
        """An estimate with its interval."""
        return cls(value=value, unit=unit, low=low, high=high, level=level, grade=grade)

    @classmethod
    def missing(cls, unit: str, reason: Reason, detail: str = "") -> Self:
        """No value, and why."""
        return cls(value=None, unit=unit, reason=reason, detail=detail)

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    def bounds(self) -> tuple[float, float, float]:
        """(low, value, high). Raises UnitError where the quantity is missing."""
        if self.value is None or self.low is None or self.high is None:
            raise UnitError(f"no value to compute with: {self.reason} {self.detail}".rstrip())
        return self.low, self.value, self.high

    def overlaps(self, other: Quantity) -> bool:
        """Whether two intervals share a value. Raises UnitError where one is missing."""
        (low, _, high), (its_low, _, its_high) = self.bounds(), other.to(self.unit).bounds()
        return low <= its_high and its_low <= high

    def to(self, unit: str) -> Quantity:
        """The same quantity in another unit of the same dimensions."""
        return self._scaled(conversion_factor(self.unit, unit), unit)

    def _scaled(self, factor: float, unit: str) -> Quantity:
        if self.value is None:
            return self.model_copy(update={"unit": unit})
        low, value, high = (factor * v for v in self.bounds())
        return Quantity(
            value=value,
            unit=unit,
            low=min(low, high),
            high=max(low, high),
            level=self.level,
            grade=self.grade,
        )

    def _merge(self, other: Quantity, unit: str, values: list[float], value: float) -> Quantity:
        assert self.level is not None and other.level is not None
        return Quantity(
            value=value,
            unit=unit,
            low=min(*values, value),
            high=max(*values, value),
            level=max(0.0, self.level + other.level - 1.0),
            grade=least_trusted(self.grade, other.grade),
        )

    def _absent(self, other: Quantity, unit: str) -> Quantity | None:
        for quantity in (self, other):
            if quantity.reason is not None:
                return Quantity.missing(unit, quantity.reason, quantity.detail)
        return None

    def __add__(self, other: Quantity) -> Quantity:
        return self._sum(other, 1)

    def __sub__(self, other: Quantity) -> Quantity:
        return self._sum(other, -1)

    def _sum(self, other: Quantity, sign: int) -> Quantity:
        factor = conversion_factor(other.unit, self.unit)
        if (absent := self._absent(other, self.unit)) is not None:
            return absent
        a_low, a, a_high = self.bounds()
        b_low, b, b_high = (sign * factor * v for v in other.bounds())
        return self._merge(
            other, self.unit, [x + y for x in (a_low, a_high) for y in (b_low, b_high)], a + b
        )

    def __mul__(self, other: Quantity | float) -> Quantity:
        if not isinstance(other, Quantity):
            return self._scaled(other, self.unit)
        unit, factor = combined_unit(self.unit, other.unit, 1)
        if (absent := self._absent(other, unit)) is not None:
            return absent
        a_low, a, a_high = self.bounds()
        b_low, b, b_high = other.bounds()
        ends = [factor * x * y for x in (a_low, a_high) for y in (b_low, b_high)]
        return self._merge(other, unit, ends, factor * a * b)

    __rmul__ = __mul__

    def __truediv__(self, other: Quantity | float) -> Quantity:
        if not isinstance(other, Quantity):
            return self._scaled(1.0 / other, self.unit)
        unit, factor = combined_unit(self.unit, other.unit, -1)
        if (absent := self._absent(other, unit)) is not None:
            return absent
        a_low, a, a_high = self.bounds()
        b_low, b, b_high = other.bounds()
        if b_low <= 0 <= b_high:
            raise UnitError(f"division by an interval that contains zero: [{b_low}, {b_high}]")
        ends = [factor * x / y for x in (a_low, a_high) for y in (b_low, b_high)]
        return self._merge(other, unit, ends, factor * a / b)


def sum_of_parts(parts: Iterable[tuple[Hashable, Quantity]]) -> Quantity:
    """The sum of parts, each given with the unknown that its interval hangs on.

    The rule for blocks, rounds and phases (of one domain of one instrument: one unknown) and for
    domains (each has a sensor of its own, hence an unknown of its own).

    *One unknown.* What an instrument does not know of itself is a number g (its gain, its scale)
    that is the same in all its windows: where g is within its range, and that has probability p,
    every part lies within its interval. Then the sum lies between the sum of the lower and the sum
    of the upper ends, with probability p, however many parts there are. Bonferroni's inequality
    would charge 1 - p for every part, as if g were drawn anew: five blocks of 0.95 would be left
    with 0.75. Where the levels of the parts differ, the lowest holds: the ranges of g are nested.

    *Several unknowns.* The sums of the groups are added by ``+``. All intervals hold together with
    a probability of at least p + q - 1, whatever the dependence between the unknowns.

    The unit is that of the first part, the grade the weakest of all. The first missing part makes
    the sum missing, with its reason: half a sum is no figure. Raises UnitError where there is no
    part, or one of other dimensions.
    """
    groups: dict[Hashable, list[Quantity]] = {}
    unit: str | None = None
    absent: Quantity | None = None
    for unknown, part in parts:
        unit = part.unit if unit is None else unit
        converted = part if part.unit == unit else part.to(unit)
        if absent is None and converted.reason is not None:
            absent = Quantity.missing(unit, converted.reason, converted.detail)
        groups.setdefault(unknown, []).append(converted)
    if unit is None:
        raise UnitError("there is no part to add up")
    return absent or reduce(Quantity.__add__, map(_end_by_end, groups.values()))


def _end_by_end(parts: list[Quantity]) -> Quantity:
    """Sum of parts in one unit that hang on one unknown."""
    low, value, high = (math.fsum(ends) for ends in zip(*(q.bounds() for q in parts), strict=True))
    return Quantity(
        value=value,
        unit=parts[0].unit,
        low=low,
        high=high,
        level=min(part.level or 0.0 for part in parts),
        grade=least_trusted(*(part.grade for part in parts)),
    )
