"""A third party's rating rules, export and report format, found by their entry points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Exported, Limits, Reported
from wattmark.exports import Omissions, Subject

STEPS = np.array([2.0, 4.0, 8.0, 16.0])


@dataclass(frozen=True)
class Doublings:
    """A star less with each doubling of the least energy."""

    name = "fake-doublings"
    version = 3
    text = "Up to twice the least energy of a population gets 5 stars, and each doubling one less."
    min_population = 2

    def stars(self, energies: NDArray[np.float64]) -> NDArray[np.int64]:
        ratio = energies / energies.min(axis=-1, keepdims=True)
        return 5 - np.searchsorted(STEPS, ratio)

    def border(
        self, ordered: NDArray[np.float64], own: NDArray[np.float64], cut: int
    ) -> NDArray[np.float64]:
        """Twice (and so on) the least of the others."""
        least, second = ordered[..., :1], ordered[..., 1:2]
        return STEPS[cut - 1] * np.where(own <= least, second, least)


@dataclass(frozen=True)
class Strict:
    """Stars by the half of what the limits allow."""

    limits: Limits | None = None
    name = "fake-strict"
    version = 1
    text = "The half of each limit is what counts."
    min_population = 1

    def with_limits(self, limits: Limits) -> Strict:
        return Strict(limits)

    def stars(self, energies: NDArray[np.float64]) -> NDArray[np.int64]:
        return 5 - np.searchsorted(np.array(self.limits) / 2, energies)

    def border(
        self, ordered: NDArray[np.float64], own: NDArray[np.float64], cut: int
    ) -> NDArray[np.float64]:
        assert self.limits is not None
        return np.full(own.shape, self.limits[cut - 1] / 2)


class OneLine:
    """A line for a message."""

    name = "fake-line"
    title = "a line for a message"

    def document(self, subject: Subject) -> Exported:
        open_ = Omissions()
        carbon = open_.value("carbon", subject.impact.line("carbon_location").quantity, "mg/query")
        told = "?" if carbon is None else f"{carbon:g}"
        return Exported(f"{subject.run.model.name}: {told} mg\n", tuple(open_.listed), "nothing")


class Names:
    """The setups and how many of their latencies were read."""

    name = "fake-names"
    title = "setups, a line each"

    def render(self, reported: Reported) -> str:
        read = reported.latencies_ms()
        lines = (f"{r.id}: {len(read.get(r.id, ()))}" for r in reported.run.results)
        return "\n".join([*lines, *reported.commands]) + "\n"
