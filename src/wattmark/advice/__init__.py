"""What a run's own figures say about which setup to use: pure functions of records.

Nothing is predicted and no rule of thumb is applied. Where two intervals overlap, the advice says
that the data do not tell the setups apart.
"""

from wattmark.advice.goal import Advice, Goal, advise
from wattmark.advice.precision import Crossover, PrecisionEffect, crossovers, precision_effects

__all__ = [
    "Advice",
    "Crossover",
    "Goal",
    "PrecisionEffect",
    "advise",
    "crossovers",
    "precision_effects",
]
