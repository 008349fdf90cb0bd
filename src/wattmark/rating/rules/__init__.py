"""Rating rules: code with a name and a version, whose text is generated from the code.

Another rule is another file here and another line in :data:`RULES`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import UnknownNameError
from wattmark.rating.rules.aies_2025 import Aies2025
from wattmark.rating.rules.quintile import Quintile


class Rule(Protocol):
    """Turns the energies of a population into stars, 5 for the least energy.

    A rule looks at nothing but the energies of one population, all in the same unit; it depends
    neither on their order nor on the unit. More energy never gives an entry more stars. A result
    of less energy that joins, or one of more that leaves, never gives the others more stars; more
    energy of another never takes any. A change of what it gives is a new ``version``.
    """

    @property
    def name(self) -> str:
        """As written in plans and records."""
        ...

    @property
    def version(self) -> int:
        """Counts changes of the result."""
        ...

    @property
    def text(self) -> str:
        """The rule in words."""
        ...

    def stars(self, energies: NDArray[np.float64]) -> NDArray[np.int64]:
        """Stars 1 to 5 along the last axis, shape as ``energies``: one population a row."""
        ...

    def border(
        self, ordered: NDArray[np.float64], own: NDArray[np.float64], cut: int
    ) -> NDArray[np.float64]:
        """Where each entry's star changes between ``6 - cut`` and ``5 - cut``, the others fixed.

        ``ordered`` are energies along the last axis, ascending, (..., n); ``own`` some of them,
        (..., m), which is also the shape of what is returned; ``cut`` is 1 to 4. Infinite where
        no energy gives so few stars. Never lower for an entry of less energy.
        """
        ...


RULES: dict[str, Rule] = {rule.name: rule for rule in (Quintile(), Aies2025())}


def find_rule(name: str) -> Rule:
    """The rule of that name. Raises UnknownNameError."""
    if name not in RULES:
        raise UnknownNameError("rating rule", name, RULES)
    return RULES[name]
