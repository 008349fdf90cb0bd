"""The setup that serves a goal best among those that lose no more quality than is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wattmark.quantities import Quantity
from wattmark.records import Result, Run
from wattmark.records.noise import noise, too_noisy


class Goal(StrEnum):
    """What to make small."""

    MIN_ENERGY = "min-energy"
    MIN_LATENCY = "min-latency"


@dataclass(frozen=True)
class Advice:
    """``best`` is None where no setup qualifies.

    ``alike`` are setups whose interval overlaps that of the best. ``refused`` gives, by setup,
    why it was not considered.
    """

    goal: Goal
    best: Result | None
    figure: Quantity | None
    alike: tuple[str, ...]
    refused: dict[str, str]


def advise(run: Run, goal: Goal, max_loss: float) -> Advice:
    """The best setup of a run for a goal.

    ``max_loss`` is the largest loss of quality against the baseline, as a share of it (0.01 for
    1 %). The estimate decides, not the end of its interval: a sample too small to show a loss is
    for the reader to see, beside the figure. A run for cost only has no quality to lose.
    """
    refused: dict[str, str] = {}
    left: list[tuple[float, Result, Quantity]] = []
    for result in run.results:
        figure = figure_of(result, goal)
        if reason := _refusal(run, result, figure, goal, max_loss):
            refused[result.id] = reason
        elif figure is not None:
            left.append((figure.bounds()[1], result, figure))
    if not left:
        return Advice(goal, None, None, (), refused)
    left.sort(key=lambda entry: (entry[0], entry[1].id))
    _, best, figure = left[0]
    alike = tuple(other.id for _, other, theirs in left[1:] if figure.overlaps(theirs))
    return Advice(goal, best, figure, alike, refused)


def figure_of(result: Result, goal: Goal) -> Quantity | None:
    """The figure that a goal is about: energy relative to the baseline, or latency."""
    if goal is Goal.MIN_ENERGY:
        return result.energy_relative
    return result.ratios.latency if result.ratios else None


def _refusal(run: Run, result: Result, figure: Quantity | None, goal: Goal, max_loss: float) -> str:
    if result.failure is not None:
        return f"failed in {result.failure.stage}: {result.failure.reason}"
    if figure is None or not figure.known:
        return f"no figure: {figure.reason if figure else 'not_measured'}"
    if why := noise(run, result, "energy" if goal is Goal.MIN_ENERGY else "latency"):
        return too_noisy([why])
    if result.id == run.plan.baseline_label or run.plan.cost_only:
        return ""
    relative = result.quality.of_reference if result.quality else None
    if relative is None or relative.value is None:
        return f"quality against the baseline is not known: {relative and relative.reason}"
    loss = 1 - relative.value
    if loss > max_loss:
        return f"loses {100 * loss:.1f} % of the baseline's {run.task.metric}"
    return ""
