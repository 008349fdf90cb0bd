"""Stars: what one to five of them say, how sure they are, and how far the next one is.

``rate(entries, rule="quintile")`` gives a :class:`~wattmark.records.Rating` for every entry,
``rate_results(results)`` the ratings of a run under all rules.
Pure functions: no clock, file or network; random numbers only from a seed.
"""

from wattmark.rating.confidence import boundary_distance_pct, star_probabilities
from wattmark.rating.population import MIN_POPULATION, Entry, rate
from wattmark.rating.rules import RULES, Rule, find_rule
from wattmark.rating.run_ratings import rate_results
from wattmark.rating.unrated import Unrated

__all__ = [
    "MIN_POPULATION",
    "RULES",
    "Entry",
    "Rule",
    "Unrated",
    "boundary_distance_pct",
    "find_rule",
    "rate",
    "rate_results",
    "star_probabilities",
]
