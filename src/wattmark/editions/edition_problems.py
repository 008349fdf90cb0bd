"""Whether a frozen edition is what it was, and what there is to say of one that is."""

from __future__ import annotations

import math

import numpy as np

from wattmark.editions.edition import Edition, Star, digest, document, stars, version_of
from wattmark.rating.star_limits import rescale_due

#: Since that edition_version probabilities are drawn as they are now.
DRAWN_SO_SINCE = 2
#: What another machine may find otherwise, since its logarithms end in other digits.
PROBABILITY_TOLERANCE = 0.005
DISTANCE_TOLERANCE = 1e-4


def problems(edition: Edition, previous: Edition | None, written: bytes) -> list[str]:
    """What is wrong with a frozen edition, and where; empty where nothing is.

    ``written`` are the bytes that it was read from. They have its digest, or else what they say
    has, where somebody laid them out anew or an older Wattmark wrote members that it did not hash.

    Stars and reasons are compared exactly, probabilities to 0.005 and distances to a ten-thousandth
    of themselves: on another machine logarithms differ in their last digits. The digest protects
    every digit.
    """
    if edition.digest is None:
        return [f"{edition.name} is not frozen"]
    found = []
    if not _has_digest(edition, written):
        found.append(f"{edition.name}: its content does not have the digest {edition.digest[:12]}")
    if edition.rule_version != version_of(edition.rule):
        found.append(f"{edition.name}: rule {edition.rule} is now of another version")
    elif len(edition.stars) != len(edition.entries):
        found.append(f"{edition.name}: {len(edition.stars)} stars, {len(edition.entries)} entries")
    else:
        drawn_so = edition.edition_version >= DRAWN_SO_SINCE
        for entry, has, gets in zip(edition.entries, edition.stars, stars(edition), strict=True):
            if not _agree(has, gets, drawn_so):
                found.append(
                    f"{edition.name}: {entry.model}, {entry.setup}: has {_told(has)}, "
                    f"its entries give {_told(gets)}"
                )
    if edition.previous is not None and (
        previous is None or previous.digest != edition.previous_digest
    ):
        found.append(f"{edition.name}: {edition.previous} is not the edition that it follows")
    return found


def _has_digest(edition: Edition, written: bytes) -> bool:
    try:
        found = digest(written)
    except ValueError:  # laid out otherwise
        found = ""
    return found == edition.digest or digest(document(edition)) == edition.digest


def remarks(edition: Edition) -> list[str]:
    """What a reader of a frozen edition has to know, though nothing is wrong with it."""
    found = []
    if edition.edition_version < DRAWN_SO_SINCE:
        found.append(
            f"{edition.name} is of edition_version {edition.edition_version}, whose probabilities "
            f"were drawn in another way: its digest covers them, and they are not computed anew"
        )
    if edition.limits is not None:
        given: dict[str, list[int]] = {}
        for entry, star in zip(edition.entries, edition.stars, strict=True):
            given.setdefault(entry.group, []).append(star.stars or 0)
        found += [
            f"{group}: so many have come to the top that its limits are due to be drawn anew"
            for group, its in sorted(given.items())
            if rescale_due(np.array(its))
        ]
    return found


def _agree(has: Star, gets: Star, drawn_so: bool) -> bool:
    """Whether two computations of a star are the same, ``drawn_so`` also its probability."""

    def near(a: float | None, b: float | None, absolute: float, relative: float) -> bool:
        if a is None or b is None:
            return a is b
        return math.isclose(a, b, rel_tol=relative, abs_tol=absolute)

    return (
        (has.stars, has.unrated_reason) == (gets.stars, gets.unrated_reason)
        and near(has.distance_pct, gets.distance_pct, 1e-6, DISTANCE_TOLERANCE)
        and (not drawn_so or near(has.probability, gets.probability, PROBABILITY_TOLERANCE, 0.0))
    )


def _told(star: Star) -> str:
    if star.stars is None:
        return f"no star ({star.unrated_reason})"
    certain = "" if star.probability is None else f" (P {star.probability:.3f})"
    return f"{star.stars} stars{certain}"
