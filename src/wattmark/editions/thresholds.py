"""Files of limits for rules that need them: a population each, by its values of the columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

from wattmark.contracts import Limits
from wattmark.errors import RatingError
from wattmark.outside.documents import read_document
from wattmark.outside.files import naming
from wattmark.rating.columns import Columns
from wattmark.rating.rules import MIN_POPULATION
from wattmark.rating.star_limits import born, checked

LIMITS_VERSION = 1


def born_limits(columns: Columns) -> dict[str, Limits]:
    """Limits for each population that is large enough to be rated."""
    found = {}
    for group in np.unique(columns.group.astype(str)):
        values = columns.value[(columns.group == group) & (columns.value > 0)]
        if len(values) >= MIN_POPULATION:
            found[str(group)] = born(values)
    return found


def write_limits(limits: dict[str, Limits], path: Path) -> None:
    """Write them as YAML."""
    document = {
        "limits_version": LIMITS_VERSION,
        "most_energy_for_5_4_3_2_stars": {name: list(its) for name, its in limits.items()},
    }
    text = yaml.safe_dump(document, sort_keys=True, allow_unicode=True)
    with naming(path):
        path.write_text(text, encoding="utf-8")


def read_limits(path: Path) -> dict[str, Limits]:
    """The limits in a file. Raises InputError that names the file and the population."""
    document = read_document(path).data
    try:
        groups = dict(document["most_energy_for_5_4_3_2_stars"])
        version = document["limits_version"]
    except (KeyError, TypeError, ValueError):
        raise RatingError(f"{path} is no file of limits: `rate --write-limits` makes one") from None
    if version != LIMITS_VERSION:
        raise RatingError(f"{path}: limits_version is {version!r}, and {LIMITS_VERSION} is known")
    found = {}
    for group, limits in groups.items():
        try:
            five, four, three, two = (float(limit) for limit in limits)
            found[str(group)] = checked((five, four, three, two))
        except (TypeError, ValueError, RatingError) as error:
            raise RatingError(f"{path}: {group}: {error}") from None
    return found
