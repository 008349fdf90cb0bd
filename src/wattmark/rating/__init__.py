"""Stars: what one to five of them say, how sure they are, and how far the next one is.

``rate(entries, rule="quintile")`` gives a :class:`~wattmark.records.Rating` for every entry,
``rate_results(results)`` the ratings of a run. Rules are found by their entry points.
Pure functions: no clock, file or network; random numbers only from a seed.
"""

from wattmark.contracts import LimitedRule, Rule
from wattmark.rating.confidence import boundary_distance_pct, star_probabilities
from wattmark.rating.population import Entry, rate
from wattmark.rating.rules import (
    DEFAULT_RULE,
    MIN_POPULATION,
    find_rule,
    installed_rules,
    needs_limits,
)
from wattmark.rating.run_ratings import rate_results
from wattmark.rating.unrated import Unrated

__all__ = [
    "DEFAULT_RULE",
    "MIN_POPULATION",
    "Entry",
    "LimitedRule",
    "Rule",
    "Unrated",
    "boundary_distance_pct",
    "find_rule",
    "installed_rules",
    "needs_limits",
    "rate",
    "rate_results",
    "star_probabilities",
]
