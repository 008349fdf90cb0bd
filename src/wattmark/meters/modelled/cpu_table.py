"""Thermal design power by processor name, from the table that CodeCarbon ships.

The file is read where the package ``codecarbon`` lies (extra ``codecarbon``); the package is not
imported, since its tracker looks up its place in the world when it is used. A name matches where
it is the same after dropping what makers and systems decorate it with (``(R)``, ``CPU``,
``@ 2.70GHz``, ``64-Core Processor``), or else where it has the same model designations (words with
a digit, at least one of them of three signs) and the brand words of one are among the other's. A
name without a designation ("AMD EPYC", as virtual machines show it) matches nothing.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from wattmark.errors import MeterError
from wattmark.machine.installed import version_of

PACKAGE = "codecarbon"
_FILE = Path("data") / "hardware" / "cpu_power.csv"

_DECORATION = re.compile(
    r"\((?:r|tm|c)\)|\([^)]*\)|@.*|\bw(?:ith|/) .*|\b\d+(?:st|nd|rd|th) gen\b|"
    r"\b(?:\d+|dual|triple|quad|six|eight|twelve|sixteen)[ -]cores?\b|"
    r"\b(?:cpu|apu|processor|genuine)\b"
)
_LONE_ZERO = re.compile(r" 0$")

#: Entries that share a designation must agree to within this, or none is taken.
_AGREEMENT = 1.10


@dataclass(frozen=True)
class Match:
    """An entry of the table: its name there, watts, and whether the whole name was the same."""

    entry: str
    tdp_w: float
    exact: bool


def table_file() -> Path | None:
    """The table's file; None where CodeCarbon is not installed or ships none."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).parent / _FILE
    return file if file.is_file() else None


def table_version() -> str:
    """The version of the package that the table comes with."""
    return version_of(PACKAGE) or "of unknown version"


@cache
def read_table(file: Path) -> Mapping[str, float]:
    """Watts by name as written in the file; rows without a positive number are left out.

    Raises MeterError where the file is not such a table.
    """
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = [(row["Name"], _watts(row["TDP"])) for row in csv.DictReader(lines)]
    except (OSError, KeyError, UnicodeError, csv.Error) as error:
        raise MeterError(
            f"{file} is not a table of processors with columns Name and TDP ({error!r}): "
            f"install another version of {PACKAGE}"
        ) from error
    return {name: watts for name, watts in rows if name and 0 < watts < math.inf}


def _watts(text: str | None) -> float:
    """The number; 0 where there is none (one row of version 3.3 says ``27.29.5``)."""
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


@cache
def normalised(name: str) -> str:
    """The name in small letters without decoration."""
    plain = _DECORATION.sub(" ", name.lower())
    return _LONE_ZERO.sub("", " ".join(plain.split()))


def find(name: str, table: Mapping[str, float]) -> Match | None:
    """The entry for a processor as the system names it; None rather than a guess."""
    ours = normalised(name)
    if not _designations(ours):
        return None
    same = {e: w for e, w in table.items() if normalised(e) == ours}
    alike = same or {e: w for e, w in table.items() if _alike(ours, normalised(e))}
    if not alike or max(alike.values()) > _AGREEMENT * min(alike.values()):
        return None
    entry = min(alike, key=lambda e: (abs(len(e) - len(name)), e))
    return Match(entry, alike[entry], bool(same))


def _designations(plain: str) -> frozenset[str]:
    """The words with a digit; none where all of them are short, as in ``ryzen 9``."""
    words = frozenset(w for w in plain.split() if any(sign.isdigit() for sign in w))
    return words if any(len(word) >= 3 for word in words) else frozenset()


def _alike(ours: str, theirs: str) -> bool:
    if _designations(ours) != _designations(theirs):
        return False
    our_brand, their_brand = (
        {w for w in plain.split() if not any(sign.isdigit() for sign in w)}
        for plain in (ours, theirs)
    )
    return bool(our_brand & their_brand) and (our_brand <= their_brand or their_brand <= our_brand)
