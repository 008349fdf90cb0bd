"""What batching policies sustain: the highest rate of queries within a bound of latency.

Each rate is a run of its own under LoadGen's ``server``. It is sustained where the bound is kept by
the estimate over all its tests, and queries do not pile up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wattmark.advice.rate_search import RateSearch, highest_rate
from wattmark.conduct.events import Observer, ignore
from wattmark.errors import InputError
from wattmark.records import LoadgenSettings, Plan, Result, Run, Setup, StopReason
from wattmark.records.slo import Bound, parse_slo
from wattmark.workflows import runs

#: Of the rate at which queries arrive, so much must be completed.
KEEPS_UP = 0.95

#: Tests of each rate: the fewest that a plan may have.
TESTS = 2


class Policy(StrEnum):
    """When waiting queries are answered together."""

    NONE = "none"
    STATIC = "static"
    DYNAMIC = "dynamic"


@dataclass(frozen=True)
class PolicyRate:
    """What a setup sustains under a policy; ``result`` is that of the sustained rate."""

    label: str
    policy: Policy
    capacity: float | None
    search: RateSearch | None
    result: Result | None
    failure: str = ""


@dataclass(frozen=True)
class ServingRates:
    """All of them; ``interrupted`` where Ctrl-C ended the search."""

    slo: str
    rates: tuple[PolicyRate, ...]
    interrupted: bool = False


class _InterruptedError(Exception):
    """Ctrl-C ended a run."""


def serving_rates(
    plan: Plan,
    *,
    slo: str,
    policies: Sequence[str] = (Policy.STATIC, Policy.DYNAMIC),
    batch: int = 8,
    max_wait_ms: float = 5.0,
    test_s: float = 4.0,
    observe: Observer = ignore,
) -> ServingRates:
    """Search the highest rate of every setup under every policy.

    ``slo`` is one bound on p99 of the latency (``"p99<100ms"``): MLPerf's for a server. A batch
    holds up to ``batch`` queries of one shape; dynamic ones wait ``max_wait_ms`` at most. Raises
    InputError for another objective or an unknown policy, and what :func:`wattmark.run` raises.
    """
    bound = _bound(slo)
    wanted = [_policy(name) for name in policies]
    found: list[PolicyRate] = []
    for setup in dict.fromkeys(s.model_copy(update={"batch": 1}) for s in plan.setups):
        for policy in wanted:
            served = _served(setup, policy, batch, max_wait_ms)
            probe = _Probe(plan, served, bound, test_s, observe)
            try:
                found.append(probe.search(policy))
            except _InterruptedError:
                return ServingRates(slo, tuple(found), interrupted=True)
    return ServingRates(slo, tuple(found))


def _bound(slo: str) -> Bound:
    objective = parse_slo(slo)
    (bound, *others) = objective.bounds
    if others or bound.metric != "latency" or str(bound.percent) != "99":
        raise InputError(f"a server's objective is one bound on p99 of the latency, not {slo!r}")
    return bound


def _policy(name: str) -> Policy:
    try:
        return Policy(name)
    except ValueError:
        raise InputError(f"no batching policy {name!r}; there are: {', '.join(Policy)}") from None


def _served(setup: Setup, policy: Policy, batch: int, max_wait_ms: float) -> Setup:
    if policy is Policy.NONE:
        return setup
    wait_ms = max_wait_ms if policy is Policy.DYNAMIC else None
    return setup.model_copy(update={"batch": batch, "max_wait_ms": wait_ms})


class _Probe:
    """Runs of one setup, at one rate or another."""

    def __init__(
        self, plan: Plan, setup: Setup, bound: Bound, test_s: float, observe: Observer
    ) -> None:
        self._plan = plan
        self._setup = setup
        self._bound = bound
        self._test_s = test_s
        self._observe = observe
        self._kept: dict[float, Result] = {}

    def search(self, policy: Policy) -> PolicyRate:
        label = self._setup.label
        offline = self._setup.model_copy(update={"max_wait_ms": None})
        most = self._run("offline", offline, None).results[0]
        if most.failure is not None or most.throughput is None or most.throughput.value is None:
            reason = most.failure.reason if most.failure else "no throughput"
            return PolicyRate(label, policy, None, None, None, reason)
        capacity = most.throughput.value
        # a batch that waits to be full keeps no bound where filling it takes as long
        least = self._setup.batch / self._bound.limit_s if policy is Policy.STATIC else 0.0
        search = highest_rate(self._sustains, capacity, least=least)
        kept = None if search.sustained is None else self._kept[search.sustained]
        return PolicyRate(label, policy, capacity, search, kept)

    def _sustains(self, rate: float) -> bool:
        result = self._run("server", self._setup, rate).results[0]
        bound = result.latency_bound
        if result.failure is not None or bound is None or bound.share.value is None:
            return False
        self._kept[rate] = result
        completed = min(
            test.figures["result_completed_samples_per_sec"]
            / test.figures["result_scheduled_samples_per_sec"]
            for test in result.loadgen
        )
        return bound.share.value >= bound.percentile and completed >= KEEPS_UP

    def _run(self, scenario: str, setup: Setup, rate: float | None) -> Run:
        settings = LoadgenSettings(
            min_duration_s=self._test_s,
            min_queries=1,
            target_qps=rate,
            target_latency_ms=1e3 * self._bound.limit_s,
        )
        plan = self._plan.model_copy(
            update={
                "name": f"{self._plan.name[:50]}-rate",
                "setups": (setup,),
                "baseline": None,
                "scenario": scenario,
                "mlperf": settings,
                "rounds": TESTS,
                "executions": 1,
                "contention_repeats": 0,
            }
        )
        done = runs.run(plan, observe=self._observe)
        if done.stop_reason is StopReason.INTERRUPTED:
            raise _InterruptedError
        return done
