"""What a rating rule must offer: stars for the energies of a population, and their borders."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

#: The most energy for 5, 4, 3 and 2 stars; more than the last gets 1.
Limits = tuple[float, float, float, float]


class Rule(Protocol):
    """Turns the energies of a population into stars, 5 for the least energy.

    A rule looks at nothing but the energies of one population, all in the same unit; it depends
    neither on their order nor on the unit. More energy never gives an entry more stars. A result
    of less energy that joins, or one of more that leaves, never gives the others more stars; more
    energy of another never takes any. A change of what it gives is a new ``version``.
    """

    @property
    def name(self) -> str:
        """As written in plans and records, and in its entry point."""
        ...

    @property
    def version(self) -> int:
        """Counts changes of the result."""
        ...

    @property
    def text(self) -> str:
        """The rule in words."""
        ...

    @property
    def min_population(self) -> int:
        """Fewer results of a population are not rated, unless a user says another number.

        1 for a rule that does not ask who else is there: then no number of anybody counts.
        """
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


@runtime_checkable
class LimitedRule(Rule, Protocol):
    """A rule that needs limits, which each population has of its own.

    As installed it has none: it has its texts then, and no stars. The unit of the limits is that
    of the energies.
    """

    def with_limits(self, limits: Limits) -> Rule:
        """The rule for a population with these limits. Raises RatingError where they are none."""
        ...
