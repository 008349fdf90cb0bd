"""Editions: a population, a rule and its stars, frozen under a hash that the next one carries.

An edition is a JSON document; its digest is the sha256 of its canonical form (RFC 8785) without
the digest itself. Frozen means frozen: whatever is changed afterwards, :func:`problems` finds it
and says where. Old results are rated anew in a later edition, and never measured again.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from wattmark.errors import MissingPackageError, RatingError
from wattmark.rating.columns import Columns, Rated, rate_columns
from wattmark.rating.population import MIN_POPULATION
from wattmark.rating.rules import find_rule

_NAME = re.compile(r"(\d{4})-H([12])")
_UNKNOWN = "unknown"


class Entry(BaseModel):
    """A result in an edition; energy in Wh a query with its interval, or None where missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    result_sha256: str
    model: str
    task: str
    model_class: str = ""
    setup: str
    hardware: str
    grade: str = _UNKNOWN
    gate_passed: bool | None = None
    quality: str = ""
    energy_wh: float | None = None
    low_wh: float | None = None
    high_wh: float | None = None
    level: float | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a later result of takes the place of: the same setup of a model on a machine."""
        return self.task, self.model, self.setup, self.hardware

    @property
    def group(self) -> str:
        """Its population."""
        return f"{self.task} / {self.model_class or 'all'} / {self.hardware}"


class Star(BaseModel):
    """What an entry got; None with ``unrated_reason`` where it got none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stars: int | None
    probability: float | None
    distance_pct: float | None
    unrated_reason: str | None


class Edition(BaseModel):
    """An edition; ``stars`` are in the order of ``entries``, and empty until it is frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    edition_version: int = 1
    name: str
    closes: str
    rule: str
    rule_version: int
    min_population: int = MIN_POPULATION
    resamples: int = 2000
    seed: int = 0
    previous: str | None = None
    previous_digest: str | None = None
    entries: tuple[Entry, ...] = ()
    stars: tuple[Star, ...] = ()
    frozen_on: str | None = None
    digest: str | None = None


def closing_date(name: str) -> str:
    """The last day of the half-year that an edition is named for. Raises RatingError."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise RatingError(f"edition: {name!r} is not a half-year such as 2026-H2")
    return f"{found[1]}-06-30" if found[2] == "1" else f"{found[1]}-12-31"


def opened(name: str, rule: str, previous: Edition | None) -> Edition:
    """A new edition with the entries of the one before it, which has to be frozen."""
    closes, chosen = closing_date(name), find_rule(rule)
    if previous is not None and previous.digest is None:
        raise RatingError(f"edition {previous.name} comes before {name} and is not frozen")
    return Edition(
        name=name,
        closes=closes,
        rule=rule,
        rule_version=chosen.version,
        previous=previous.name if previous else None,
        previous_digest=previous.digest if previous else None,
        entries=previous.entries if previous else (),
    )


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
    return edition.model_copy(update={"entries": tuple(by_key[k] for k in sorted(by_key))})


def frozen(edition: Edition, today: str) -> Edition:
    """The edition with its stars and its digest. Raises RatingError where there is nothing."""
    if edition.digest is not None:
        raise RatingError(f"edition {edition.name} is frozen already, on {edition.frozen_on}")
    if not edition.entries:
        raise RatingError(f"edition {edition.name} has no results: add runs before it is frozen")
    made = edition.model_copy(update={"stars": stars(edition), "frozen_on": today})
    return made.model_copy(update={"digest": digest(made)})


def stars(edition: Edition, rule: str | None = None) -> tuple[Star, ...]:
    """What the entries get under the edition's rule, or another."""
    rated = rate_columns(
        _columns(edition.entries),
        rule or edition.rule,
        seed=edition.seed,
        resamples=edition.resamples,
        min_population=edition.min_population,
    )
    return tuple(_star(rated, i) for i in range(len(edition.entries)))


def digest(edition: Edition) -> str:
    """sha256 of the canonical JSON (RFC 8785), the digest left out."""
    return hashlib.sha256(
        canonical(edition.model_dump(mode="json", exclude={"digest"}))
    ).hexdigest()


def canonical(document: Any) -> bytes:
    """The canonical JSON of RFC 8785."""
    try:
        import rfc8785
    except ImportError:
        raise MissingPackageError(
            "rfc8785 is not installed, and editions are hashed with it: "
            "pip install 'wattmark[editions]'"
        ) from None
    return rfc8785.dumps(document)


def problems(edition: Edition, previous: Edition | None) -> list[str]:
    """What is wrong with a frozen edition, and where; empty where nothing is."""
    if edition.digest is None:
        return [f"{edition.name} is not frozen"]
    found = []
    if digest(edition) != edition.digest:
        found.append(f"{edition.name}: its content does not have the digest {edition.digest[:12]}")
    if edition.rule_version != find_rule(edition.rule).version:
        found.append(f"{edition.name}: rule {edition.rule} is now of another version")
    elif len(edition.stars) != len(edition.entries):
        found.append(f"{edition.name}: {len(edition.stars)} stars, {len(edition.entries)} entries")
    else:
        for entry, has, gets in zip(edition.entries, edition.stars, stars(edition), strict=True):
            if has != gets:
                found.append(
                    f"{edition.name}: {entry.model}, {entry.setup}: has {_told(has)}, "
                    f"its entries give {_told(gets)}"
                )
    if edition.previous is not None and (
        previous is None or previous.digest != edition.previous_digest
    ):
        found.append(f"{edition.name}: {edition.previous} is not the edition that it follows")
    return found


def _told(star: Star) -> str:
    certain = "" if star.probability is None else f" (P {star.probability:.3f})"
    return f"{star.stars} stars{certain}" if star.stars else f"no star ({star.unrated_reason})"


def _columns(entries: tuple[Entry, ...]) -> Columns:
    def floats(field: str) -> Any:
        values = [getattr(entry, field) for entry in entries]
        return np.array([np.nan if v is None else v for v in values], dtype=float)

    levels = {entry.level for entry in entries if entry.level}
    group = np.empty(len(entries), dtype=object)
    group[:] = [entry.group for entry in entries]
    return Columns(
        value=floats("energy_wh"),
        group=group,
        low=floats("low_wh"),
        high=floats("high_wh"),
        level=min(levels) if levels else 0.95,
        gate=np.array([entry.gate_passed is not False for entry in entries]),
        grade=np.array([entry.grade for entry in entries], dtype=object),
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
