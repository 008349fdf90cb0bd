"""Editions as files: opened, added to, frozen, compared and verified in a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from wattmark.assets.whole_file import write_whole
from wattmark.contracts import Limits
from wattmark.editions.edition import (
    Edition,
    Entry,
    Star,
    document,
    frozen,
    opened,
    population,
    with_entries,
)
from wattmark.editions.edition_diff import Diff, diff
from wattmark.editions.edition_problems import problems
from wattmark.editions.label import Label
from wattmark.editions.thresholds import read_limits
from wattmark.errors import InputError, RatingError, UnknownNameError
from wattmark.formatting import DASH, range_text, value_text
from wattmark.quantities import Quantity, Reason
from wattmark.rating.rated_row import RatedRow
from wattmark.records import Bundle, Result
from wattmark.records.canonical import sha256_of
from wattmark.records.reading import ok
from wattmark.reports.impact_table import on_basis


def today() -> str:
    """The date, in UTC."""
    return datetime.now(UTC).date().isoformat()


class Editions:
    """The editions of a folder, a file ``<name>.json`` each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Names of all editions, oldest first."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def load(self, name: str) -> Edition:
        """An edition. Raises RatingError that names the file, and the field where one is bad."""
        try:
            return self._read(name)
        except ValidationError as error:
            raise RatingError(_not_valid(self._path(name), error)) from None

    def open(self, name: str, rule: str, limits: Path | None = None) -> Edition:
        """A new edition after the newest one before it. Raises RatingError where it exists.

        ``limits`` is a file of them, for a rule that needs them; its populations are named as
        ``wattmark rate --write-limits`` names those of the stored runs, or as entries do.
        """
        if self._path(name).exists():
            raise RatingError(f"edition {name} exists already")
        earlier = [n for n in self.names() if n < name]
        previous = self.load(earlier[-1]) if earlier else None
        made = opened(name, rule, previous, None if limits is None else limits_in(limits))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write(made)
        return made

    def add(self, name: str, bundles: Sequence[Bundle]) -> Edition:
        """The edition with the results of these runs."""
        entries = tuple(
            entry_of(b, result) for b in bundles for result in b.run.results if ok(result)
        )
        made = with_entries(self.load(name), entries, today())
        self._write(made)
        return made

    def freeze(self, name: str) -> Edition:
        """The edition with its stars, for good."""
        made = frozen(self.load(name), today())
        self._write(made)
        return made

    def diff(self, old: str, new: str) -> Diff:
        """What changed from one frozen edition to another."""
        pair = [self.load(old), self.load(new)]
        for edition in pair:
            if edition.digest is None:
                raise RatingError(f"edition {edition.name} is not frozen: it has no stars yet")
        return diff(*pair)

    def verify(self, name: str) -> list[str]:
        """What is wrong with an edition or with one that it follows; empty where nothing is."""
        try:
            edition = self._read(name)
        except ValidationError as error:
            return [_not_valid(self._path(name), error)]
        previous = None
        found: list[str] = []
        if edition.previous is not None and edition.previous in self.names():
            previous = self.load(edition.previous)
            found = self.verify(edition.previous)
        try:
            return found + problems(edition, previous, self._bytes(name))
        except (InputError, ValueError, ArithmeticError) as error:
            return [*found, f"{name}: not a valid edition: {error}"]

    def _read(self, name: str) -> Edition:
        """Raises RatingError, ValidationError."""
        found = Edition.model_validate_json(self._bytes(name))
        if found.name != name:
            raise RatingError(f"{self._path(name)}: name: it is edition {found.name!r:.60}")
        return found

    def _bytes(self, name: str) -> bytes:
        path = self._path(name)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            known = ", ".join(self.names()) or "none"
            raise RatingError(f"there is no edition {name!r} in {self.folder}; {known}") from None
        except OSError as error:
            raise RatingError(f"{path} cannot be read: {error.strerror}") from None

    def _path(self, name: str) -> Path:
        if not name.replace("-", "").isalnum():
            raise RatingError(f"edition: {name!r} is not a half-year such as 2026-H2")
        return self.folder / f"{name}.json"

    def _write(self, edition: Edition) -> None:
        write_whole(self._path(edition.name), document(edition))


def _not_valid(path: Path, error: ValidationError) -> str:
    """Which field of an edition's file is wrong."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    return f"{path}: not a valid edition: {f'{where}: ' if where else ''}{said}"


def limits_in(path: Path) -> dict[str, Limits]:
    """The limits in a file, by the names that populations have in editions."""
    found = {}
    for name, its in read_limits(path).items():
        try:
            task, model_class, hardware = json.loads(name)
        except ValueError:
            found[name] = its
        else:
            found[population(task, model_class, hardware)] = its
    return found


def entry_of(bundle: Bundle, result: Result) -> Entry:
    """A result of a run as an entry of an edition."""
    sha256 = sha256_of(bundle.result_document(result.id))
    return Entry(result_sha256=sha256, **RatedRow.of(bundle.run, result).entry_fields())


def label_of(
    edition: Edition, what: str, setup: str | None = None, address: str | None = None
) -> Label:
    """The label of a run's or a model's entry in a frozen edition.

    Without ``setup``, of the entry of least energy that has a star, else of the least. ``address``
    is where the label can be verified; the edition's digest where none is given. Raises RatingError
    for an edition that is not frozen, UnknownNameError for what it does not have.
    """
    if edition.digest is None or edition.frozen_on is None:
        raise RatingError(f"edition {edition.name} is not frozen: it has no stars yet")
    rows = list(zip(edition.entries, edition.stars, strict=True))
    its = [(e, s) for e, s in rows if what in (e.model, e.run)]
    if not its:
        names = {e.model for e in edition.entries} | {e.run for e in edition.entries}
        raise UnknownNameError("result in the edition", what, names)
    if setup is not None:
        found = [(e, s) for e, s in its if e.setup == setup]
        if not found:
            raise UnknownNameError("setup", setup, [e.setup for e, _ in its])
        its = found
    entry, star = min(its, key=lambda pair: (pair[1].stars is None, pair[0].energy_wh or 1e300))
    return label_for(
        entry,
        star,
        edition=edition.name,
        date=edition.frozen_on,
        digest=edition.digest,
        address=address or f"urn:sha256:{edition.digest}",
    )


def label_for(
    entry: Entry, star: Star, *, edition: str, date: str, digest: str, address: str
) -> Label:
    """The label of an entry with its star; ``date`` and ``digest`` are those of the edition."""
    thousand = _per_thousand(entry)
    return Label(
        model=entry.model,
        task=entry.task,
        setup=entry.setup,
        hardware=entry.hardware,
        edition=edition,
        date=date,
        digest=digest,
        address=address,
        energy=f"{value_text(thousand)} {thousand.unit}" if thousand.known else DASH,
        interval=range_text(thousand),
        grade=entry.grade,
        quality=entry.quality or DASH,
        stars=star.stars,
        probability=star.probability,
        unrated=star.unrated_reason or "",
    )


def _per_thousand(entry: Entry) -> Quantity:
    if entry.energy_wh is None or entry.low_wh is None or entry.high_wh is None:
        return Quantity.missing("Wh", Reason.NOT_MEASURED)
    value, low, high = (1000 * v for v in (entry.energy_wh, entry.low_wh, entry.high_wh))
    return on_basis(Quantity.between(value, low, high, "Wh", level=entry.level or 0.0))
