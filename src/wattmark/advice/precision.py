"""What a lower precision does to energy, quality and size, and from which batch it pays.

A setup in reduced precision is set beside the FP32 setup that is otherwise the same: framework,
mode, device, threads, batch and options. Both were measured in turns against one baseline, so the
ratio of their ratios holds on this machine; its interval is what the two do not share, or where
that is not known the extremes of both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from wattmark.quantities import Quantity
from wattmark.records import Precision, Result, Run
from wattmark.records.reading import energy_ratio_to, ok


class Verdict(StrEnum):
    """What the interval of an energy ratio says."""

    SAVES = "saves"
    COSTS = "costs"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class PrecisionEffect:
    """A reduced precision against FP32: ratios below 1 are less.

    ``size`` is the ratio of the artefacts' bytes, None where one was not recorded.
    """

    result: Result
    fp32: Result
    energy: Quantity
    latency: Quantity
    quality: Quantity | None
    size: float | None

    @property
    def batch(self) -> int:
        """Queries answered at once, the same in both."""
        return self.result.trial.setup.batch

    @property
    def verdict(self) -> Verdict:
        """Whether it saves energy, costs energy, or cannot be told."""
        return verdict(self.energy)


@dataclass(frozen=True)
class Crossover:
    """The effects of one precision over batch sizes, smallest batch first.

    ``saves`` and ``costs`` are the batches at which the interval lies wholly below or above 1.
    """

    name: str
    effects: tuple[PrecisionEffect, ...]

    @property
    def saves(self) -> tuple[int, ...]:
        """Batches at which it saves energy."""
        return tuple(e.batch for e in self.effects if e.verdict is Verdict.SAVES)

    @property
    def costs(self) -> tuple[int, ...]:
        """Batches at which it costs energy."""
        return tuple(e.batch for e in self.effects if e.verdict is Verdict.COSTS)

    def sentence(self) -> str:
        """What was seen, in words; nothing between or beyond the measured batches is claimed."""
        batches = ", ".join(str(e.batch) for e in self.effects)
        if len(self.effects) == 1:
            return f"measured at batch {batches} only: {self.effects[0].verdict}"
        if len(self.saves) == len(self.effects):
            return f"saves energy at every batch measured ({batches})"
        if len(self.costs) == len(self.effects):
            return f"costs energy at every batch measured ({batches})"
        turns = [
            f"from {a.batch} to {b.batch} it turns from {a.verdict} to {b.verdict}"
            for a, b in zip(self.effects, self.effects[1:], strict=False)
            if a.verdict is not b.verdict
        ]
        return "; ".join(turns) or f"cannot be told apart from FP32 at any batch ({batches})"


def verdict(ratio: Quantity) -> Verdict:
    """What a ratio to FP32 says: its whole interval has to lie on one side of 1."""
    if not ratio.known:
        return Verdict.UNCLEAR
    low, _, high = ratio.bounds()
    return Verdict.SAVES if high < 1 else Verdict.COSTS if low > 1 else Verdict.UNCLEAR


def precision_effects(run: Run) -> list[PrecisionEffect]:
    """Every reduced precision of a run whose FP32 counterpart was measured too, in plan order."""
    exact = {_counterpart(r): r for r in _measured(run) if _precision(r) is Precision.FP32}
    effects = []
    for result in _measured(run):
        fp32 = exact.get(_counterpart(result))
        if _precision(result) is Precision.FP32 or fp32 is None:
            continue
        energy = energy_ratio_to(result, fp32)
        if energy is None or result.ratios is None or fp32.ratios is None:
            continue
        effects.append(
            PrecisionEffect(
                result,
                fp32,
                energy=energy,
                latency=result.ratios.latency / fp32.ratios.latency,
                quality=result.quality.of_reference if result.quality else None,
                size=_size_ratio(result, fp32),
            )
        )
    return effects


def crossovers(effects: Iterable[PrecisionEffect]) -> list[Crossover]:
    """The effects gathered by what is the same but for the batch."""
    groups: dict[str, list[PrecisionEffect]] = {}
    for effect in effects:
        setup = effect.result.trial.setup
        groups.setdefault(setup.model_copy(update={"batch": 1}).label, []).append(effect)
    return [
        Crossover(name, tuple(sorted(group, key=lambda e: e.batch)))
        for name, group in groups.items()
    ]


def _measured(run: Run) -> list[Result]:
    return [result for result in run.results if ok(result)]


def _precision(result: Result) -> Precision:
    return result.trial.setup.precision


def _counterpart(result: Result) -> str:
    return result.trial.setup.model_copy(update={"precision": Precision.FP32}).label


def _size_ratio(result: Result, fp32: Result) -> float | None:
    if result.preparation is None or fp32.preparation is None or not fp32.preparation.bytes:
        return None
    return result.preparation.bytes / fp32.preparation.bytes
