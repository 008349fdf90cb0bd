"""The rule of an edition: in words for its pages, and as code for one of its populations."""

from __future__ import annotations

from wattmark.board.shelf.catalogue import EditionInfo
from wattmark.contracts import LimitedRule, Rule
from wattmark.rating import find_rule


def rule_text(edition: EditionInfo) -> str:
    """The rule in words; limits are others for each population (:func:`limits_texts`)."""
    return find_rule(edition.rule).text


def limits_texts(edition: EditionInfo) -> list[tuple[str, str]]:
    """Each population with its limits in words, in Wh a query; empty for other rules."""
    return [(name, rule_of(edition, name).text) for name in sorted(edition.limits or {})]


def rule_of(edition: EditionInfo, population: str, scale: float = 1.0) -> Rule:
    """The rule for energies of a population in Wh a query times ``scale``.

    Raises KeyError where the edition has no limits for the population.
    """
    rule = find_rule(edition.rule)
    if edition.limits is None or not isinstance(rule, LimitedRule):
        return rule
    five, four, three, two = (scale * limit for limit in edition.limits[population])
    return rule.with_limits((five, four, three, two))
