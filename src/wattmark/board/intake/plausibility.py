"""Whether a run can be true: what cannot be is refused, what is odd is shown to the maintainer.

Limits are far outside of what any machine does, so that no honest result is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from wattmark.quantities import Grade, Quantity
from wattmark.records import SCHEMA_VERSION, Result, Run, StopReason
from wattmark.records.reading import comparable_per_query, energy_per_query, ok

#: Between a watch's microcontroller and a hall of racks, in W.
LEAST_W, MOST_W = 1e-4, 1e7
#: No machine of 2026 reaches a hundredth of it (an H100 gives about 3e12 at 8 bits), in FLOP/J.
MOST_FLOP_PER_J = 1e15
#: Fewer queries say little.
FEW_QUERIES = 100
#: An interval this narrow (share of the value) is nobody's measurement.
NARROW = 1e-6
#: Clocks of two machines may differ by so much.
AHEAD = timedelta(hours=24)


class Finding(BaseModel):
    """Something about a submission: an ``error`` refuses it, a ``warning`` is for the maintainer.

    ``where`` is the setup, or empty for the whole run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: Literal["error", "warning"]
    code: str
    where: str = ""
    message: str


def findings(run: Run, now: datetime) -> list[Finding]:
    """What is to be said of a run, errors first; ``now`` is the board's clock, in UTC."""
    found = [*_of_run(run, now)]
    for result in run.results:
        if ok(result):
            found += _of_result(result)
    return sorted(found, key=lambda f: f.severity)


def _of_run(run: Run, now: datetime) -> Iterator[Finding]:
    try:
        created = datetime.fromisoformat(run.created_at)
        ahead = created.tzinfo is None or created > now + AHEAD
    except ValueError:
        ahead = True
    if ahead:
        yield _error("created_at", "", f"created_at {run.created_at[:40]!r} is no time up to now")
    if not any(map(ok, run.results)):
        yield _error("no_result", "", "no setup gave a result")
    ids = [result.id for result in run.results]
    if len(set(ids)) < len(ids):
        yield _error("same_setup_twice", "", "a setup has two results")
    for result in run.results:
        trial = result.trial
        said = (trial.task, trial.model, trial.model_digest)
        if said != (run.task.name, run.model.name, run.model.digest):
            yield _error("other_trial", result.id, "task or model is not that of the run")
    if run.stop_reason is StopReason.INTERRUPTED:
        yield _warning("interrupted", "", "the run was interrupted")
    if run.schema_version != SCHEMA_VERSION:
        yield _warning("old_schema", "", f"written with schema version {run.schema_version}")
    yield _warning("unsigned", "", "nobody signed it: it is as good as the word of its sender")


def _of_result(result: Result) -> Iterator[Finding]:
    where = result.id
    if result.queries <= 0 or not 0 <= result.failed_queries <= result.queries:
        yield _error("queries", where, "the numbers of queries contradict each other")
    elif result.queries < FEW_QUERIES:
        yield _warning("few_queries", where, f"only {result.queries} queries")
    latency = result.latency
    if latency is not None:
        steps = [q.bounds()[1] for q in (latency.p50, latency.p90, latency.p99) if q.known]
        if steps != sorted(steps) or (steps and steps[0] <= 0):
            yield _error("latency", where, "the percentiles of the latency are not in order")
    energy = energy_per_query(result)
    if energy is not None and energy.known:
        yield from _of_energy(result, energy)
    if result.quality is None or not result.quality.value.known:
        yield _warning("no_quality", where, "nobody scored its answers")
    if result.flags:
        yield _warning("flags", where, f"flagged: {', '.join(result.flags)[:200]}")


def _of_energy(result: Result, energy: Quantity) -> Iterator[Finding]:
    where = result.id
    low, value, high = energy.to("J/query").bounds()
    if value <= 0:
        yield _error("energy", where, "its energy is not above zero")
        return
    if high - low < NARROW * value:
        yield _error("energy_interval", where, "the interval of its energy has no width")
    comparable = comparable_per_query(result)
    if comparable is not None:
        own_low, own, own_high = comparable.energy.to("J/query").bounds()
        if abs(own - value) > NARROW * value or own_low <= 0 or own_high - own_low < NARROW * value:
            yield _error("comparable", where, "the interval of its energy for comparisons is none")
    for part in result.energy:
        of_query, of_thousand = part.per_query, part.per_1000_queries
        if of_query.known and of_thousand.known:
            same = of_query.to("Wh/kquery").bounds()[1], of_thousand.to("Wh/kquery").bounds()[1]
            if abs(same[0] - same[1]) > 0.01 * abs(same[0]):
                yield _error("energy_sums", where, "energy per query and per 1 000 queries differ")
    if energy.grade is Grade.PARAMETRIC:
        yield _warning("parametric", where, "its energy comes from the model's size alone")
    if result.throughput is not None and result.throughput.known:
        power_w = value * result.throughput.to("query/s").bounds()[1]
        if not LEAST_W <= power_w <= MOST_W:
            yield _error("power", where, f"it would have drawn {power_w:.3g} W")
    if result.flops_per_query is not None and result.flops_per_query.known:
        flop_per_j = result.flops_per_query.to("FLOP/query").bounds()[1] / value
        if flop_per_j > MOST_FLOP_PER_J:
            yield _error("efficiency", where, f"{flop_per_j:.3g} FLOP/J is beyond any machine")


def _error(code: str, where: str, message: str) -> Finding:
    return Finding(severity="error", code=code, where=where, message=message)


def _warning(code: str, where: str, message: str) -> Finding:
    return Finding(severity="warning", code=code, where=where, message=message)
