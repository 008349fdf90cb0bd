"""Whose energy counts: of all that meters see, the devices that the work used.

A meter of GPUs sees every card of the machine. By default work is charged with the cards that it
has open, and with all else that meters cover; ``whole-node`` is for the rest. A card that programs
of others had open too is flagged (``shared_device``), for its figure is an upper bound. Of a card
that is divided (MIG) the work had a slice, and no instrument can divide the card's energy: that is
missing (``device_divided``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wattmark.formatting import quantity_text
from wattmark.quantities import Quantity, Reason
from wattmark.records import EnergyWindow


@dataclass(frozen=True)
class Charge:
    """Domains of the cards that count, None for all that there are.

    Of them ``divided`` were used in part, and ``shared`` with others.
    """

    gpus: frozenset[str] | None = None
    divided: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()

    def of(self, windows: Iterable[EnergyWindow]) -> tuple[EnergyWindow, ...]:
        """The windows that count, with their flags."""
        if self.gpus is None:
            return tuple(windows)
        kept = (window for window in windows if self._counts(window.domain))
        return tuple(self._charged(window) for window in kept)

    def _counts(self, domain: str) -> bool:
        return self.gpus is None or not is_gpu(domain) or domain in self.gpus

    def _charged(self, window: EnergyWindow) -> EnergyWindow:
        if window.domain in self.divided:
            return _undivided(window)
        if window.domain in self.shared:
            return window.model_copy(update={"flags": (*window.flags, Reason.SHARED_DEVICE)})
        return window


#: Everything that the meters see.
WHOLE_NODE = Charge()


def is_gpu(domain: str) -> bool:
    """Whether a domain is a GPU's."""
    return domain.partition(":")[0] == "gpu"


def _undivided(window: EnergyWindow) -> EnergyWindow:
    whole = f": {quantity_text(window.gross)} in all" if window.gross.known else ""
    detail = (
        f"the work had a slice (MIG) of a card, and instruments see whole cards "
        f"({window.domain}{whole}); --whole-node charges them"
    )
    missing = Quantity.missing("J", Reason.DEVICE_DIVIDED, detail)
    return window.model_copy(
        update={"gross": missing, "idle_subtracted": missing, "idle_allocated": missing}
    )
