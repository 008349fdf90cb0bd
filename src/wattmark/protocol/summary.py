"""From recorded rounds to results: every figure with its interval, or the reason for its absence.

Energy per query is what the meter said over all counted rounds, divided by all *attempted*
queries: a failed query costs energy too. Quality is scored on each query's first answer. Ratios
to the baseline come from rounds paired by index; the scale that all modelled windows of one
machine share cancels in them, which is why a ratio is so much surer than an absolute figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattmark.protocol.material import Material
from wattmark.protocol.recorder import Recorded, Recorder, Samples, answered_by_both
from wattmark.protocol.reference import ReferenceFacts, reference_facts
from wattmark.protocol.statistics import (
    accuracy_quantity,
    paired_ratio,
    paired_total_ratio,
    percentile_quantity,
    pooled_rate,
    relative_quality,
)
from wattmark.quantities import Quantity, Reason
from wattmark.records import (
    Energy,
    EnergyWindow,
    Failure,
    Latency,
    ModelInfo,
    Plan,
    Precision,
    Quality,
    Ratios,
    Result,
    Round,
    Trial,
)


@dataclass(frozen=True)
class Measured:
    """The counted rounds of one trial by index, with their raw samples."""

    rounds: dict[int, Round]
    samples: dict[int, Samples]

    def first_answers(self) -> dict[int, float]:
        """Score of each query's first answer."""
        scores: dict[int, float] = {}
        for index in sorted(self.rounds):
            block = self.samples[index]
            for query, score in zip(block.query, block.score, strict=True):
                scores.setdefault(int(query), float(score))
        return scores

    def latencies_ms(self) -> list[NDArray[np.float64]]:
        """Latencies of answered queries, one array per round."""
        return [
            s.latency_ns[[e is None for e in s.error]] / 1e6
            for _, s in sorted(self.samples.items())
        ]


def summarise(
    plan: Plan, trials: Sequence[Trial], material: Material, recorder: Recorder, reference: Path
) -> tuple[tuple[Result, ...], ModelInfo]:
    """Results of all trials, and the model's identity with its number of parameters."""
    recorded = recorder.recorded()
    measured = {t.id: _measured(t.id, recorded, recorder) for t in trials}
    model = material.model
    facts: ReferenceFacts | None = None
    if (reference / "facts.json").exists():
        facts = reference_facts(reference)
        model = model.model_copy(update={"parameters": facts.parameters})
    baseline = measured[plan.baseline_label]
    results = tuple(
        _result(plan, trial, measured[trial.id], baseline, recorded, material, facts)
        for trial in trials
    )
    return results, model


def _measured(trial: str, recorded: Recorded, recorder: Recorder) -> Measured:
    rounds = {r.index: r for r in recorded.rounds if r.trial == trial and not r.superseded}
    return Measured(rounds, {i: recorder.load_samples(r.samples) for i, r in rounds.items()})


def _result(
    plan: Plan,
    trial: Trial,
    ours: Measured,
    baseline: Measured,
    recorded: Recorded,
    material: Material,
    facts: ReferenceFacts | None,
) -> Result:
    failure = recorded.failures.get(trial.id)
    if failure is None and not ours.rounds:
        failure = Failure(
            stage="round", reason="interrupted", message="the run ended before the first round"
        )
    rounds = [ours.rounds[i] for i in sorted(ours.rounds)]
    executions = tuple(e for e in recorded.executions if e.trial == trial.id)
    base = Result(
        trial=trial,
        status="failed" if failure else "ok",
        failure=failure,
        queries=sum(r.queries for r in rounds),
        failed_queries=sum(r.failed_queries for r in rounds),
        preparation=recorded.preparations.get(trial.id),
        executions=executions,
        rounds=len(rounds),
        samples=tuple(r.samples for r in rounds),
    )
    if failure is not None:
        return base
    is_baseline = trial.id == plan.baseline_label
    ratios = _ratios(plan, ours, baseline, is_baseline)
    flags = [
        *(["contended"] if any(r.contended for r in rounds) else []),
        *(["not_steady"] if any(not e.steady for e in executions) else []),
        *(["failed_queries"] if base.failed_queries else []),
        *(
            ["calibrated_on_measured"]
            if material.calibrated_on_measured and trial.setup.precision is Precision.INT8_STATIC
            else []
        ),
    ]
    blocks = [block for block in ours.latencies_ms() if block.size]
    latencies = np.concatenate(blocks) if blocks else np.empty(0)
    return base.model_copy(
        update={
            "quality": _quality(plan, ours, baseline, is_baseline, material.task.metric),
            "latency": Latency(
                p50=percentile_quantity(latencies, 0.50, "ms"),
                p90=percentile_quantity(latencies, 0.90, "ms"),
                p99=percentile_quantity(latencies, 0.99, "ms"),
                mean=pooled_rate([b.sum() for b in blocks], [b.size for b in blocks], "ms"),
            ),
            "throughput": pooled_rate(
                [r.queries - r.failed_queries for r in rounds],
                [r.wall_s for r in rounds],
                "query/s",
            ),
            "cpu_time_per_query": pooled_rate(
                [1e3 * r.cpu_s for r in rounds], [r.queries for r in rounds], "ms/query"
            ),
            "flops_per_query": Quantity.exact(facts.flops_per_query, "FLOP/query")
            if facts
            else Quantity.missing("FLOP/query", Reason.NOT_MEASURED, "the reference did not run"),
            "energy": _energies(rounds, ours.first_answers()),
            "ratios": ratios,
            "energy_relative": ratios.energy,
            "flags": tuple(flags),
        }
    )


def _quality(
    plan: Plan, ours: Measured, baseline: Measured, is_baseline: bool, metric: str
) -> Quality:
    scores = ours.first_answers()
    value = accuracy_quantity(sum(scores.values()), len(scores))
    if is_baseline:
        return Quality(
            metric=metric, value=value, of_reference=Quantity.exact(1.0, "1"), gate_passed=True
        )
    theirs = baseline.first_answers()
    common = sorted(scores.keys() & theirs.keys())
    if not common or not any(theirs[q] for q in common):
        missing = Quantity.missing("1", Reason.NO_BASELINE, f"{plan.baseline_label} has no result")
        return Quality(metric=metric, value=value, of_reference=missing, gate_passed=None)
    relative = relative_quality(
        np.array([scores[q] for q in common]),
        np.array([theirs[q] for q in common]),
    )
    passed = None if relative.value is None else relative.value >= plan.quality_gate
    return Quality(metric=metric, value=value, of_reference=relative, gate_passed=passed)


def _ratios(plan: Plan, ours: Measured, baseline: Measured, is_baseline: bool) -> Ratios:
    one = Quantity.exact(1.0, "1")
    if is_baseline:
        energy = one if _energy_j(ours, sorted(ours.rounds), "value") is not None else None
        return Ratios(latency=one, cpu_time=one, energy=energy or _no_energy(ours))
    common = sorted(ours.rounds.keys() & baseline.rounds.keys())
    if not common:
        missing = Quantity.missing("1", Reason.NO_BASELINE, f"{plan.baseline_label} has no result")
        return Ratios(latency=missing, cpu_time=missing, energy=missing)
    executions = [ours.rounds[i].execution for i in common]
    pairs = [answered_by_both(ours.samples[i], baseline.samples[i]) for i in common]
    answered = [i for i, (a, _) in enumerate(pairs) if a.size]
    return Ratios(
        latency=paired_ratio(
            [pairs[i][0] for i in answered],
            [pairs[i][1] for i in answered],
            executions=[executions[i] for i in answered],
            seed=plan.seed,
        ),
        cpu_time=paired_total_ratio(
            [ours.rounds[i].cpu_s for i in common],
            [baseline.rounds[i].cpu_s for i in common],
            executions=executions,
            seed=plan.seed,
        ),
        energy=_energy_ratio(plan, ours, baseline, common, executions),
    )


def _energy_ratio(
    plan: Plan, ours: Measured, baseline: Measured, common: list[int], executions: list[int]
) -> Quantity:
    """Ratio of gross energy, widened by what the meter's own end points say of the ratio."""
    mine, theirs = _energy_j(ours, common, "value"), _energy_j(baseline, common, "value")
    if mine is None or theirs is None:
        return _no_energy(ours if mine is None else baseline)
    ratio = paired_total_ratio(mine, theirs, executions=executions, seed=plan.seed)
    if ratio.value is None:
        return ratio
    low, value, high = ratio.bounds()
    point = sum(mine) / sum(theirs)
    for end in ("low", "high"):
        numerator, denominator = _energy_j(ours, common, end), _energy_j(baseline, common, end)
        assert numerator is not None and denominator is not None
        if (scale := sum(denominator)) > 0:
            shift = sum(numerator) / scale / point
            low, high = min(low, value * shift), max(high, value * shift)
    grade = next(w.gross.grade for r in ours.rounds.values() for w in r.energy)
    return Quantity.between(value, low, high, "1", level=ratio.level or 0.95, grade=grade)


def _energy_j(measured: Measured, indices: Sequence[int], end: str) -> list[float] | None:
    """Gross joules of each round over all domains, or None where any window is missing."""
    totals = []
    for index in indices:
        windows = measured.rounds[index].energy
        if not windows or any(not w.gross.known for w in windows):
            return None
        totals.append(sum(getattr(w.gross.to("J"), end) for w in windows))
    return totals or None


def _no_energy(measured: Measured) -> Quantity:
    for done in measured.rounds.values():
        for window in done.energy:
            if window.gross.reason is not None:
                return Quantity.missing("1", window.gross.reason, window.gross.detail)
    return Quantity.missing("1", Reason.NO_METER, "no meter was read")


def _energies(rounds: Sequence[Round], scores: dict[int, float]) -> tuple[Energy, ...]:
    by_domain: dict[tuple[str, str], list[tuple[Round, EnergyWindow]]] = {}
    for done in rounds:
        for window in done.energy:
            by_domain.setdefault((window.meter, window.domain), []).append((done, window))
    correct = accuracy_quantity(sum(scores.values()), len(scores))
    energies = []
    for (meter, domain), windows in sorted(by_domain.items()):
        per_query = _per_query(windows, "gross")
        energies.append(
            Energy(
                meter=meter,
                domain=domain,
                per_query=per_query,
                idle_subtracted_per_query=_per_query(windows, "idle_subtracted"),
                per_1000_queries=per_query.to("Wh/kquery"),
                per_correct=_per_correct(per_query, correct),
            )
        )
    return tuple(energies)


def _per_query(windows: Sequence[tuple[Round, EnergyWindow]], field: str) -> Quantity:
    """Total over all attempted queries, with the spread between rounds on top of the meter's."""
    quantities: list[Quantity] = [getattr(w, field) for _, w in windows]
    for quantity in quantities:
        if quantity.reason is not None:
            return Quantity.missing("J/query", quantity.reason, quantity.detail)
    queries = [r.queries for r, _ in windows]
    ends = np.array([q.to("J").bounds() for q in quantities])
    low, value, high = ends.sum(axis=0) / sum(queries)
    meter = Quantity.between(
        value, low, high, "J/query", level=quantities[0].level or 0.95, grade=quantities[0].grade
    )
    spread = pooled_rate(ends[:, 1], queries, "1")
    return meter if spread.value is None else meter * (spread / spread.value)


def _per_correct(per_query: Quantity, accuracy: Quantity) -> Quantity:
    if accuracy.value is None or not accuracy.value or not accuracy.low:
        return Quantity.missing("J/correct", Reason.NO_CORRECT_ANSWER)
    low, value, high = accuracy.bounds()
    share = Quantity.between(value, low, high, "correct/query", level=accuracy.level or 0.95)
    return per_query / share
