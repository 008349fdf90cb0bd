"""Editions: a population, a rule and its stars, frozen under a hash that the next one carries.

An edition is a JSON document, written once in its canonical form (RFC 8785); its digest is the
sha256 of these bytes without the digest itself. Frozen means frozen:
:mod:`wattmark.editions.edition_problems` finds whatever is changed afterwards, and says where. Old
results are rated anew in a later edition, and never measured again.
"""

from __future__ import annotations

import re
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from wattmark import registry
from wattmark.contracts import LimitedRule, Limits, Rule
from wattmark.errors import RatingError
from wattmark.rating.columns import Columns, Rated, rate_columns
from wattmark.rating.confidence import RESAMPLES
from wattmark.rating.distributions import Comparable
from wattmark.rating.rated_row import EntryFields
from wattmark.rating.rules import MIN_POPULATION, find_rule, needs_limits
from wattmark.rating.star_limits import born, by_population, checked
from wattmark.records import hashed_document
from wattmark.records.canonical import canonical, sha256_of, without

_NAME = re.compile(r"(\d{4})-H([12])")
#: Version 2: P(star) by :func:`~wattmark.rating.confidence.star_shares`, and ``limits``.
#: Version 3: intervals of entries that share a scale.
EDITION_VERSION = 3
_SINCE_3 = ("comparable_low_wh", "comparable_high_wh", "scale")

#: What the canonical JSON of RFC 8785 can say.
MOST_INTEGER = 2**53 - 1
MOST_RESAMPLES = 1_000_000


class Entry(EntryFields):
    """A result in an edition; energy in Wh a query with its interval, or None where missing."""

    result_sha256: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a later result of takes the place of: the same setup of a model on a machine."""
        return self.task, self.model, self.setup, self.hardware

    @property
    def group(self) -> str:
        """Its population."""
        return population(self.task, self.model_class, self.hardware)


class Star(BaseModel):
    """What an entry got; None with ``unrated_reason`` where it got none."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    stars: int | None = Field(ge=1, le=5)
    probability: float | None
    distance_pct: float | None
    unrated_reason: str | None


class Edition(BaseModel):
    """An edition; ``stars`` are in the order of ``entries``, and empty until it is frozen.

    ``limits`` are those of a rule that needs them, for each population: the most energy for 5, 4, 3
    and 2 stars in Wh a query. Where its rule is not installed, an edition can be read and not
    rated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    edition_version: int = EDITION_VERSION
    name: str
    closes: str
    rule: str
    rule_version: int = Field(ge=0, le=MOST_INTEGER)
    limits: dict[str, Limits] | None = None
    min_population: int = Field(default=MIN_POPULATION, ge=0, le=MOST_INTEGER)
    resamples: int = Field(default=RESAMPLES, ge=0, le=MOST_RESAMPLES)
    seed: int = Field(default=0, ge=0, le=MOST_INTEGER)
    previous: str | None = None
    previous_digest: str | None = None
    entries: tuple[Entry, ...] = ()
    stars: tuple[Star, ...] = ()
    frozen_on: str | None = None
    digest: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 1 <= self.edition_version <= EDITION_VERSION:
            raise ValueError(
                f"edition_version is {self.edition_version}, and {EDITION_VERSION} is the newest "
                f"that this Wattmark knows"
            )
        installed = self.rule in registry.names("rule")
        if installed and needs_limits(self.rule) != (self.limits is not None):
            raise ValueError(f"rule {self.rule} {_limits_told(self.rule)}")
        if self.previous is not None and not self.previous < self.name:
            raise ValueError(f"previous is {self.previous!r}, which does not come before it")
        if self.edition_version < 3 and any(entry.scale for entry in self.entries):
            raise ValueError("entries share a scale since edition_version 3")
        try:
            for limits in (self.limits or {}).values():
                checked(limits)
        except RatingError as error:
            raise ValueError(str(error)) from None
        return self

    def rules(self) -> str | dict[str, Rule]:
        """Its rule by name, or that of each population where it needs limits.

        Raises RatingError, UnknownNameError where it is not installed.
        """
        rule = find_rule(self.rule)
        if self.limits is None or not isinstance(rule, LimitedRule):
            return self.rule
        return by_population(rule, self.limits)


def population(task: str, model_class: str, hardware: str) -> str:
    """The name of a population; an empty class is ``all``."""
    return f"{task} / {model_class or 'all'} / {hardware}"


def closing_date(name: str) -> str:
    """The last day of the half-year that an edition is named for. Raises RatingError."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise RatingError(f"edition: {name!r} is not a half-year such as 2026-H2")
    return f"{found[1]}-06-30" if found[2] == "1" else f"{found[1]}-12-31"


def opened(
    name: str, rule: str, previous: Edition | None, limits: dict[str, Limits] | None = None
) -> Edition:
    """A new edition with the entries of the one before it, which has to be frozen.

    A rule that needs limits takes ``limits``, or else those of the edition before, or else they are
    drawn from its population, where the best then has 4 stars. Raises RatingError,
    UnknownNameError.
    """
    closes = closing_date(name)
    if previous is not None and previous.digest is None:
        raise RatingError(f"edition {previous.name} comes before {name} and is not frozen")
    if needs_limits(rule):
        limits = limits or _inherited(name, rule, previous)
    elif limits is not None:
        raise RatingError(f"edition {name}: rule {rule} {_limits_told(rule)}")
    return Edition(
        name=name,
        closes=closes,
        rule=rule,
        rule_version=version_of(rule),
        limits=limits,
        min_population=find_rule(rule).min_population,
        previous=previous.name if previous else None,
        previous_digest=previous.digest if previous else None,
        entries=previous.entries if previous else (),
    )


def _inherited(name: str, rule: str, previous: Edition | None) -> dict[str, Limits]:
    if previous is not None and previous.limits is not None:
        return previous.limits
    energies: dict[str, list[float]] = {}
    if previous is not None:
        for entry, star in zip(previous.entries, previous.stars, strict=True):
            if star.stars is not None and entry.energy_wh is not None:
                energies.setdefault(entry.group, []).append(entry.energy_wh)
    if not energies:
        raise RatingError(
            f"edition {name}: rule {rule} needs limits, and no edition with rated results comes "
            f"before it: `wattmark rate --write-limits FILE` makes them, --limits FILE takes them"
        )
    return {group: born(np.array(its)) for group, its in sorted(energies.items())}


def version_of(rule: str) -> int:
    """The version of a rule that editions can have. Raises UnknownNameError."""
    return find_rule(rule).version


def _limits_told(rule: str) -> str:
    return "needs limits, and there are none" if needs_limits(rule) else "has no limits"


def with_entries(edition: Edition, entries: tuple[Entry, ...], today: str) -> Edition:
    """The edition with these results; one of the same setup takes the older one's place.

    Raises RatingError for a frozen edition, and after its closing date: the next one takes them.
    """
    if edition.digest is not None:
        raise RatingError(f"edition {edition.name} is frozen: results wait for the next one")
    if today > edition.closes:
        raise RatingError(
            f"edition {edition.name} closed on {edition.closes}: results wait for the next one"
        )
    by_key = {entry.key: entry for entry in (*edition.entries, *entries)}
    placed = tuple(by_key[key] for key in sorted(by_key))
    return edition.model_copy(update={"entries": placed, "edition_version": EDITION_VERSION})


def frozen(edition: Edition, today: str) -> Edition:
    """The edition with its stars and its digest. Raises RatingError where there is nothing."""
    if edition.digest is not None:
        raise RatingError(f"edition {edition.name} is frozen already, on {edition.frozen_on}")
    if not edition.entries:
        raise RatingError(f"edition {edition.name} has no results: add runs before it is frozen")
    made = edition.model_copy(update={"stars": stars(edition), "frozen_on": today})
    return made.model_copy(update={"digest": digest(document(made))})


def stars(edition: Edition, under: Edition | None = None) -> tuple[Star, ...]:
    """What the entries get under the edition's rule and limits, or those of another edition."""
    rated = rate_columns(
        _columns(edition.entries),
        (under or edition).rules(),
        seed=edition.seed,
        resamples=edition.resamples,
        min_population=edition.min_population,
    )
    return tuple(_star(rated, i) for i in range(len(edition.entries)))


def document(edition: Edition) -> bytes:
    """The edition as it is written: canonical JSON with the members that its version has."""
    written = hashed_document(edition)
    if edition.edition_version < 3:
        for entry in written["entries"]:
            for name in _SINCE_3:
                del entry[name]
    if edition.edition_version < 2:
        del written["limits"]
    return canonical(written)


def digest(written: bytes) -> str:
    """The digest of an edition's document: sha256 of its bytes without the digest.

    Raises ValueError for bytes that are no canonical JSON.
    """
    return sha256_of(without(written, "digest"))


def _columns(entries: tuple[Entry, ...]) -> Columns:
    def floats(field: str) -> Any:
        values = [getattr(entry, field) for entry in entries]
        return np.array([np.nan if v is None else v for v in values], dtype=float)

    def names(field: str) -> Any:
        return np.array([getattr(entry, field) for entry in entries], dtype=object)

    return Columns(
        value=floats("energy_wh"),
        group=names("group"),
        low=floats("low_wh"),
        high=floats("high_wh"),
        level=floats("level"),
        gate=np.array([entry.gate_passed is not False for entry in entries]),
        grade=names("grade"),
        comparable=Comparable(
            floats("comparable_low_wh"),
            floats("comparable_high_wh"),
            names("scale"),
            floats("idle_effect"),
        ),
    )


def _star(rated: Rated, i: int) -> Star:
    def number(value: float) -> float | None:
        return None if np.isnan(value) else round(float(value), 6)

    return Star(
        stars=int(rated.stars[i]) or None,
        probability=number(rated.probability[i]),
        distance_pct=number(rated.distance_pct[i]),
        unrated_reason=rated.reason[i] or None,
    )
