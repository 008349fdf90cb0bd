"""What was recorded of one trial, in the form that the results are made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from wattmark.conduct.recorder import Recorded, Recorder, Samples
from wattmark.metrology.counters import window_without_idle
from wattmark.quantities import Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading, PhaseEnergy, Round, Trial
from wattmark.records.domains import counts_as, covers, domain_of, summed, trust

#: Stands for the instrument in the row of a device that none covers.
NO_METER = "no meter"


@dataclass(frozen=True)
class Measured:
    """The counted rounds of one trial by index, with their raw samples."""

    rounds: dict[int, Round]
    samples: dict[int, Samples]
    meters: Mapping[str, str] | None = None
    """The meter of each domain that counts; None: the best in all rounds."""

    @classmethod
    def of(cls, trial: Trial, recorded: Recorded, recorder: Recorder) -> Measured:
        """Gather the rounds of a trial that were not repeated.

        Where no meter covered the setup's device, its energy is a missing part of each of them.
        """
        rounds = {
            done.index: with_device(done, trial.setup.device)
            for done in recorded.rounds
            if done.trial == trial.id and not done.superseded
        }
        return cls(rounds, {i: recorder.load_samples(r.samples) for i, r in rounds.items()})

    def in_order(self) -> list[Round]:
        """The rounds by index."""
        return [self.rounds[i] for i in sorted(self.rounds)]

    def first_answers(self) -> dict[int, tuple[str, float]]:
        """Prediction and score of each query's first answer; a failed one is empty and scores 0.

        The score is not a number where the example has no label.
        """
        answers: dict[int, tuple[str, float]] = {}
        for index in sorted(self.rounds):
            block = self.samples[index]
            for query, text, score in zip(block.query, block.prediction, block.score, strict=True):
                answers.setdefault(int(query), (text, float(score)))
        return answers

    def answered(self) -> dict[int, str]:
        """Prediction of each query that did not fail, as it was first asked."""
        found: dict[int, str] = {}
        for _, block in sorted(self.samples.items()):
            for query, position in block.answered().items():
                found.setdefault(query, block.prediction[position])
        return found

    def latencies_ms(self) -> list[NDArray[np.float64]]:
        """Latencies of answered queries, one array per round."""
        return [
            s.latency_ns[[e is None for e in s.error]] / 1e6
            for _, s in sorted(self.samples.items())
        ]

    def cpu_s_per_query(self, indices: Sequence[int]) -> list[float]:
        """CPU time of these rounds over the queries that were asked in them."""
        return [self.rounds[i].cpu_s / self.rounds[i].queries for i in indices]

    def whole_windows(self, index: int) -> list[EnergyWindow]:
        """The windows of a round that add up to its energy: of each domain those of the instrument
        that counts in all rounds, and the node's alone, where it was metered."""
        counted = self._best_meters if self.meters is None else self.meters
        every = self.rounds[index].energy
        energy = [w for w in every if counted.get(_domain(w), w.meter) == w.meter]
        whole = summed(map(_domain, energy))
        return [window for window in energy if _domain(window) in whole]

    @cached_property
    def _best_meters(self) -> dict[str, str]:
        return best_meters(self.rounds.values())

    def energy_j_per_query(self, indices: Sequence[int], end: str) -> list[float] | None:
        """Gross joules a query over the domains that add up, or None where any window is missing.

        ``end`` is ``"value"``, ``"low"`` or ``"high"``.
        """
        totals = []
        for index in indices:
            windows = self.whole_windows(index)
            if not windows or any(not w.gross.known for w in windows):
                return None
            joules = sum(getattr(w.gross.to("J"), end) for w in windows)
            totals.append(joules / self.rounds[index].queries)
        return totals or None


def _domain(window: EnergyWindow) -> str:
    return counts_as(window.meter, window.domain)


def best_meters(rounds: Iterable[Round]) -> dict[str, str]:
    """The meter of each domain whose figures count: the best that is known in all these rounds.

    Rounds are compared with each other, so that one instrument must stand for all of them. It is
    missing in a round of its domain in which it said nothing.
    """
    figures: dict[tuple[str, str], list[Quantity]] = {}
    asked: Counter[str] = Counter()
    for done in rounds:
        asked.update(set(map(_domain, done.energy)))
        for window in done.energy:
            figures.setdefault((_domain(window), window.meter), []).append(window.gross)
    worst: dict[str, list[tuple[tuple[bool, int], str]]] = {}
    for (domain, meter), found in figures.items():
        rank = max(trust(figure) for figure in found)
        lacks = len(found) < asked[domain]
        worst.setdefault(domain, []).append(((lacks or rank[0], rank[1]), meter))
    return {domain: min(ranked, key=itemgetter(0))[1] for domain, ranked in worst.items()}


def with_shared_meters(
    ours: Measured, other: Measured, indices: Sequence[int]
) -> tuple[Measured, Measured]:
    """Both with one instrument a domain, so that a ratio is never one of two instruments."""
    meters = best_meters(side.rounds[i] for side in (ours, other) for i in indices)
    return replace(ours, meters=meters), replace(other, meters=meters)


def with_device(done: Round, device: str) -> Round:
    """The round with a window of the setup's device; missing (NO_METER) where none covers it.

    Without it, what the other domains used would look like the whole.
    """
    if covers((_domain(window) for window in done.energy), device):
        return done
    domain = domain_of(device)
    detail = (
        f"no meter in use covers {domain}, on which the setup ran ({device}): name one with "
        "--meter (`wattmark doctor` lists them, and what they need)"
    )
    gross = Quantity.missing("J", Reason.NO_METER, detail)
    nothing = MeterReading(time_ns=done.start_ns, values={})
    missing = PhaseEnergy(meter=NO_METER, domain=domain, gross=gross)
    phases = tuple(
        phase.model_copy(update={"energy": (*phase.energy, missing)}) for phase in done.phases
    )
    window = window_without_idle(NO_METER, domain, gross, nothing, nothing)
    return done.model_copy(update={"energy": (*done.energy, window), "phases": phases})
