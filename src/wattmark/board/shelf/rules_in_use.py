"""The rule of an edition: in words for its pages, and as code for one of its populations."""

from __future__ import annotations

from wattmark.board.shelf.catalogue import EditionInfo
from wattmark.rating import Rule, find_rule
from wattmark.rating.rules.absolute import Absolute


def rule_text(edition: EditionInfo) -> str:
    """The rule in words; fixed limits are others for each population (:func:`limits_texts`)."""
    if edition.limits is None:
        return find_rule(edition.rule).text
    return "Stars by fixed limits of energy, which each population has of its own."


def limits_texts(edition: EditionInfo) -> list[tuple[str, str]]:
    """Each population with its limits in words, in Wh a query; empty for other rules."""
    limits = edition.limits or {}
    return [(name, Absolute(its).text) for name, its in sorted(limits.items())]


def rule_of(edition: EditionInfo, population: str, scale: float = 1.0) -> Rule:
    """The rule for energies of a population in Wh a query times ``scale``.

    Raises KeyError where the edition has no limits for the population.
    """
    if edition.limits is None:
        return find_rule(edition.rule)
    five, four, three, two = (scale * limit for limit in edition.limits[population])
    return Absolute((five, four, three, two))
