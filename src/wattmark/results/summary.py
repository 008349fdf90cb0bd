"""From recorded rounds to results: every figure with its interval, or the reason for its absence.

Quality is scored on each query's first answer (`quality`; for queries that were not asked, on
what the same artefact answered before, `known_answers`), energy and ratios come from whole rounds
(`energy_results`), phases from the marks within them (`phase_results`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from wattmark import registry
from wattmark.conduct.material import Material
from wattmark.conduct.recorder import Recorded, Recorder
from wattmark.contracts import Task
from wattmark.quantities import Quantity, Reason
from wattmark.records import (
    Failure,
    ModelInfo,
    Plan,
    Ratios,
    Result,
    Round,
    Trial,
)
from wattmark.results.bound_results import latency_bound
from wattmark.results.energy_results import energies
from wattmark.results.idle_powers import IdlePowers
from wattmark.results.known_answers import Answer, KnownAnswers
from wattmark.results.measurement import Measured
from wattmark.results.phase_results import latency, phases, time_to_first_token
from wattmark.results.quality import quality
from wattmark.results.query_flops import flops_per_query
from wattmark.results.ratio_results import ratios
from wattmark.results.request_energy import request_energy
from wattmark.results.text_loss import TextLosses
from wattmark.statistics import PastSpreads, pooled_rate
from wattmark.worker.held_out import held_out_digest, losses_file, read_losses
from wattmark.worker.inputs import query_digest
from wattmark.worker.reference_facts import ReferenceFacts, reference_facts


def summarise(
    plan: Plan,
    trials: Sequence[Trial],
    material: Material,
    recorder: Recorder,
    references: Mapping[str, Path],
    cache: Path,
    past: PastSpreads | None = None,
) -> tuple[tuple[Result, ...], ModelInfo]:
    """Results of all trials, and the model's identity with its number of parameters.

    ``references`` gives the folder of the reference's facts by trial; ``cache`` holds what
    artefacts answered in earlier runs, and gets what they answered in this one; ``past`` is what
    earlier runs on this machine say of the spread between processes.
    """
    recorded = recorder.recorded()
    measured = {t.id: Measured.of(t, recorded, recorder) for t in trials}
    facts = {
        t.id: reference_facts(references[t.id])
        for t in trials
        if (references[t.id] / "facts.json").exists()
    }
    model = material.model
    for known in facts.values():
        model = model.model_copy(update={"parameters": known.parameters})
    task = registry.task(plan.task)
    digests = [query_digest(query) for query in material.queries]
    answers = {
        t.id: _answers(t, measured[t.id], recorded, material, digests, task, cache) for t in trials
    }
    baseline = plan.baseline_label
    to_baseline = ratios(plan, measured, past)
    results = []
    for trial in trials:
        ours = measured[trial.id]
        result = _result(
            plan, trial, ours, to_baseline[trial.id], recorded, material, facts.get(trial.id)
        )
        if result.failure is None:
            scored = answers[trial.id]
            reused = len(scored.keys() - ours.first_answers().keys())
            losses = text_losses(material, recorded, trial.id, baseline, cache)
            found = quality(plan, task, material, scored, answers[baseline], reused, losses)
            result = result.model_copy(update={"quality": found})
        results.append(result)
    return tuple(results), model


def text_losses(
    material: Material, recorded: Recorded, trial: str, baseline: str, cache: Path
) -> TextLosses | None:
    """What the held-out texts cost a trial and the baseline; None where there are no such texts."""
    digest = held_out_digest(material.held_out)
    if not digest:
        return None
    mine, reference = (
        read_losses(losses_file(cache, recorded.preparations[t].artefact, digest))
        if t in recorded.preparations
        else np.empty(0)
        for t in (trial, baseline)
    )
    return TextLosses(material.held_out, mine, reference)


def _answers(
    trial: Trial,
    ours: Measured,
    recorded: Recorded,
    material: Material,
    digests: Sequence[str],
    task: Task,
    cache: Path,
) -> dict[int, Answer]:
    """All answers of a trial that can be scored: those that were timed, and earlier ones to the
    other queries."""
    labels = [example.label for example in material.examples]
    timed = {q: a for q, a in ours.first_answers().items() if labels[q] is not None}
    if trial.id not in recorded.preparations or not timed:
        return timed
    known = KnownAnswers(cache, recorded.preparations[trial.id].artefact, trial.setup)
    known.remember(ours.answered(), digests)
    return known.completed(timed, digests, labels, task)


def _result(
    plan: Plan,
    trial: Trial,
    ours: Measured,
    to_baseline: Ratios,
    recorded: Recorded,
    material: Material,
    facts: ReferenceFacts | None,
) -> Result:
    failure = recorded.failures.get(trial.id)
    if failure is None and not ours.rounds:
        failure = Failure(
            stage="round", reason="interrupted", message="the run ended before the first round"
        )
    rounds = ours.in_order()
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
        loadgen=tuple(r.loadgen for r in rounds if r.loadgen is not None),
        samples=tuple(r.samples for r in rounds),
    )
    if failure is not None:
        return base
    scores = [score for _, score in ours.first_answers().values()]
    flags = [
        *(["contended"] if any(r.contended for r in rounds) else []),
        *(["not_steady"] if any(not e.steady for e in executions) else []),
        *(["failed_queries"] if base.failed_queries else []),
        *(["loadgen_invalid"] if any(t.valid is False for t in base.loadgen) else []),
        *(["generator_saturated"] if any(t.generator_saturated for t in base.loadgen) else []),
        *(["not_mlperf_compliant"] if any(t.not_compliant for t in base.loadgen) else []),
        *sorted({flag.value for r in rounds for window in r.energy for flag in window.flags}),
        *(
            ["calibrated_on_measured"]
            if material.calibrated_on_measured and trial.setup.precision.calibrated
            else []
        ),
    ]
    return base.model_copy(
        update={
            "contended_rounds": sum(r.contended for r in rounds),
            "latency": latency([block for block in ours.latencies_ms() if block.size]),
            "throughput": _throughput(rounds),
            "cpu_time_per_query": pooled_rate(
                [1e3 * r.cpu_s for r in rounds], [r.queries for r in rounds], "ms/query"
            ),
            "flops_per_query": flops_per_query(facts, ours),
            "energy": energies(rounds, scores, IdlePowers(recorded.idle)),
            "request_energy": request_energy(ours),
            "phases": phases(ours),
            "time_to_first_token": time_to_first_token(ours),
            "latency_bound": latency_bound(plan, ours),
            "ratios": to_baseline,
            "energy_relative": to_baseline.energy,
            "instruments_share": _instruments_share(rounds),
            "flags": tuple(flags),
        }
    )


def _throughput(rounds: Sequence[Round]) -> Quantity:
    """Answered queries a second."""
    seconds = [r.wall_s for r in rounds]
    if not all(seconds):
        detail = "a round took less than a tick of the clock"
        return Quantity.missing("query/s", Reason.WINDOW_TOO_SHORT, detail)
    return pooled_rate([r.queries - r.failed_queries for r in rounds], seconds, "query/s")


def _instruments_share(rounds: Sequence[Round]) -> Quantity:
    """What reading the instruments took, as a share of the rounds' time."""
    spent = [r.instruments_s for r in rounds if r.instruments_s is not None]
    if len(spent) < len(rounds):
        return Quantity.missing("1", Reason.NOT_MEASURED, "recorded before it was kept")
    if not (wall_s := sum(r.wall_s for r in rounds)):
        return Quantity.missing("1", Reason.WINDOW_TOO_SHORT, "the rounds took no time")
    return Quantity.exact(sum(spent) / wall_s, "1")
