"""How much faster, or more frugal: ratios of setups to the baseline, from paired rounds.

Setups and baseline take turns on the same queries, so that drift of the machine hits all and
cancels in the ratio of a round. Everything is done on logarithms: log(a / b) = -log(b / a), so
that the result does not depend on which of the two is called the baseline.

*Within a round* the ratio is the median over queries of log(latency / baseline latency of the
same query). Queries come in padding buckets of different length, so latencies have several modes:
a ratio of two medians jumps when a few queries change sides, the median of paired ratios does not;
and a burst of contention that hits under half of a round leaves it where it is.

*Over rounds* the estimate of an execution is their 20 % trimmed mean: nearly as precise as the mean
where rounds are well-behaved, and unmoved by a round in which one of the two was disturbed. Below
five rounds that is the mean, for there is nothing to trim. Executions are averaged, one of few
rounds with less weight.

*The interval* has one part for each level of repetition, after Kalibera and Jones [1]_: rounds, and
processes. How much either varies is known from all setups of the run together. What is common to
all of them in a round is taken out of their log costs; with K setups and E executions there are
(K - 1)(E - 1) degrees of freedom between executions, where a setup and its baseline alone have
E - 1. :mod:`.process_spread` joins them with this machine's history and with a prior, and says how
wide the interval of a difference then is. The spread of rounds holds the sampling error of their
queries; it is the winsorised one that belongs to a trimmed mean [2]_.

References
----------
.. [1] T. Kalibera and R. Jones, "Rigorous benchmarking in reasonable time", ISMM 2013.
.. [2] J. W. Tukey and D. H. McLaughlin, "Less vulnerable confidence and significance procedures for
   location based on a single sample: trimming/winsorization 1", Sankhya A 25 (1963) 331-352.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wattmark.quantities import Quantity, Reason
from wattmark.statistics.process_spread import PastSpread, Repeated, past_degrees, variances

Array = NDArray[np.float64]

#: What earlier runs on a machine say, by figure ("latency", "cpu_time") and framework.
PastSpreads = Mapping[str, Mapping[str, Sequence[PastSpread]]]

#: Fewer paired rounds than this give no ratio.
MIN_ROUNDS = 3
#: Share of an execution's rounds that the estimate leaves out at each end.
TRIM = 0.2
#: So many rounds vary about as much as one process: weighs executions of unequal length.
ROUNDS_LIKE_A_PROCESS = 3.0
#: The prior says about as much as so many degrees of freedom: of a normal sample's log standard
#: deviation the variance is 1 / (2 degrees), and 1 / (2 * 0.7^2) = 1.
PRIOR_DEGREES = 1.0


class SpreadSource(StrEnum):
    """Where most of what is known of the spread between processes comes from."""

    RUN = "run"
    HISTORY = "history"
    PRIOR = "prior"


@dataclass(frozen=True)
class Costs:
    """A setup's rounds: by index, log cost over the baseline's, and the execution they belong to.

    The baseline's own has 0 for every cost. ``past`` is what earlier runs say of its framework.
    """

    logs: Mapping[int, float]
    executions: Mapping[int, int]
    past: tuple[PastSpread, ...] = ()


@dataclass(frozen=True)
class PooledRatio:
    """A ratio to the baseline, and how the spread between processes in its interval is known.

    ``degrees`` are those of ``source``: of all setups of the run, or of the past of both
    frameworks; of the prior 0. ``spread`` is the median standard deviation between processes
    (setup and baseline in quadrature), ``executions`` how many the setup had.
    """

    ratio: Quantity
    source: SpreadSource
    degrees: float
    spread: float
    executions: int


def pooled_ratios(
    setups: Mapping[str, Costs], baseline: Costs, *, level: float = 0.95
) -> dict[str, PooledRatio]:
    """Each setup over the baseline. Those with fewer than three paired rounds are left out.

    Unit ``1``, below 1 where the setup is better. Raises ValueError where a log is not finite.
    """
    enough = {name: costs for name, costs in setups.items() if len(costs.logs) >= MIN_ROUNDS}
    if not enough:
        return {}
    rows = [replace(baseline, logs=dict.fromkeys(baseline.executions, 0.0)), *enough.values()]
    if not all(math.isfinite(log) for costs in rows for log in costs.logs.values()):
        raise ValueError("costs must be positive and finite: leave failed rounds out")
    own = _without_the_common(rows)
    pasts = [costs.past for costs in rows]
    repeated = [
        replace(_repeated(*parts), past=costs.past, past_share=1 / pasts.count(costs.past))
        for parts, costs in zip(own, rows, strict=True)
    ]
    known = variances(repeated)
    run_degrees = sum(setup.between_degrees for setup in repeated)
    found = {}
    for place, (name, costs) in enumerate(enough.items(), 1):
        indices = sorted(costs.logs)
        logs = np.array([costs.logs[i] for i in indices])
        labels = np.array([costs.executions[i] for i in indices])
        means, weights = _executions(logs, labels)
        estimate, half = float(means @ weights), known.half_width(place, 0, level)
        past = sum(map(past_degrees, {costs.past, baseline.past}))
        source, degrees = _source(run_degrees, past)
        ratio = Quantity.between(
            math.exp(estimate), math.exp(estimate - half), math.exp(estimate + half), "1",
            level=level,
        )  # fmt: skip
        found[name] = PooledRatio(
            ratio=ratio,
            source=source,
            degrees=degrees,
            spread=math.hypot(known.spread[place], known.spread[0]),
            executions=means.size,
        )
    return found


def spreads_of(setups: Mapping[str, Costs]) -> dict[str, PastSpread]:
    """What the executions of setups that took turns say of each one's spread between processes.

    ``logs`` are of what a query cost, in any unit. A setup of one execution is left out.
    """
    found = {}
    for name, (logs, labels, factor) in zip(
        setups, _without_the_common(list(setups.values())), strict=True
    ):
        if np.unique(labels).size > 1:
            seen = _repeated(logs, labels, factor)
            found[name] = PastSpread(
                seen.between, seen.round_share * seen.within, seen.between_degrees
            )
    return found


def paired_ratio(
    setup_rounds: Sequence[ArrayLike],
    baseline_rounds: Sequence[ArrayLike],
    *,
    executions: Sequence[int] | None = None,
    past: Sequence[PastSpread] = (),
    level: float = 0.95,
) -> Quantity:
    """Latency of a setup over that of the baseline alone, from rounds of the same queries.

    Parameters
    ----------
    setup_rounds, baseline_rounds : sequences of array_like
        Round i of both holds the latencies of the same queries in the same order, shape (m_i,),
        positive, in the same unit.
    executions : sequence of int, optional
        The execution (worker process) that each round belongs to; all to one by default.
    past : sequence of PastSpread
        What earlier runs say of the spread of both.
    level : float
        Confidence level.

    Returns
    -------
    Quantity
        Unit ``1``, below 1 where the setup is faster. Missing with fewer than three rounds.

    Raises
    ------
    ValueError
        Where rounds or queries do not pair up, or a latency is not positive and finite.
    """
    return _alone(round_log_ratios(setup_rounds, baseline_rounds), executions, past, level)


def paired_total_ratio(
    setup_totals: ArrayLike,
    baseline_totals: ArrayLike,
    *,
    executions: Sequence[int] | None = None,
    past: Sequence[PastSpread] = (),
    level: float = 0.95,
) -> Quantity:
    """The same for one total a round (CPU seconds, joules) of the same queries.

    The trimmed mean of the rounds' log ratios is preferred to sum over sum: a disturbed round
    weighs more in a sum the more it was disturbed. Shapes (n,), positive, the same unit in both.
    Missing with fewer than three rounds, or where a total is 0. Raises ValueError where the
    shapes differ or a total is negative or not finite.
    """
    setup = np.asarray(setup_totals, dtype=np.float64)
    baseline = np.asarray(baseline_totals, dtype=np.float64)
    if setup.size < MIN_ROUNDS and setup.shape == baseline.shape:
        return too_few_rounds(setup.size)
    if (setup == 0).any() or (baseline == 0).any():
        return no_cost()
    return _alone(_log_ratios(setup, baseline), executions, past, level)


def round_log_ratios(
    setup_rounds: Sequence[ArrayLike], baseline_rounds: Sequence[ArrayLike]
) -> Array:
    """The log ratio of each round, shape (rounds,): what the stopping rule looks at.

    Arguments and errors as in :func:`paired_ratio`.
    """
    if len(setup_rounds) != len(baseline_rounds):
        raise ValueError(f"rounds do not pair up: {len(setup_rounds)} and {len(baseline_rounds)}")
    pairs = zip(setup_rounds, baseline_rounds, strict=True)
    return np.array([np.median(_log_ratios(*pair)) for pair in pairs], dtype=np.float64)


def too_few_rounds(rounds: int) -> Quantity:
    """No ratio, since there are so few paired rounds."""
    detail = f"{rounds} paired round(s); a ratio takes at least {MIN_ROUNDS}"
    return Quantity.missing("1", Reason.TOO_FEW_SAMPLES, detail)


def no_cost() -> Quantity:
    """No ratio, since a round cost nothing."""
    return Quantity.missing("1", Reason.WINDOW_TOO_SHORT, "the total of a round is zero")


def _alone(
    logs: Array, executions: Sequence[int] | None, past: Sequence[PastSpread], level: float
) -> Quantity:
    labels = [0] * logs.size if executions is None else list(executions)
    if len(labels) != logs.size:
        raise ValueError(f"{len(labels)} executions given for {logs.size} rounds")
    if logs.size < MIN_ROUNDS:
        return too_few_rounds(logs.size)
    of_round = dict(enumerate(labels))
    setup = Costs(dict(enumerate(logs.tolist())), of_round, tuple(past))
    baseline = Costs({}, of_round, tuple(past))
    return pooled_ratios({"": setup}, baseline, level=level)[""].ratio


def _log_ratios(setup: ArrayLike, baseline: ArrayLike) -> Array:
    a, b = np.asarray(setup, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or not a.size:
        raise ValueError(f"measurements do not pair up: shapes {a.shape} and {b.shape}")
    if not all(np.isfinite(v).all() and (v > 0).all() for v in (a, b)):
        raise ValueError("measurements must be positive and finite: leave failed ones out of both")
    logs: Array = np.log(a) - np.log(b)
    return logs


def _source(run: float, past: float) -> tuple[SpreadSource, float]:
    """Where most degrees of freedom come from; at a tie, from the run."""
    if run >= max(past, PRIOR_DEGREES) - 1e-9:
        return SpreadSource.RUN, run
    if past >= PRIOR_DEGREES:
        return SpreadSource.HISTORY, past
    return SpreadSource.PRIOR, 0.0


def _without_the_common(
    rows: Sequence[Costs],
) -> list[tuple[Array, NDArray[np.intp], float]]:
    """Of each setup: logs less the mean over setups of the round, executions, and what a mean
    square of them is to be multiplied by, since that mean takes a share of it away.

    A round that one setup alone has says nothing.
    """
    there: dict[int, list[float]] = {}
    for costs in rows:
        for index, log in costs.logs.items():
            there.setdefault(index, []).append(log)
    means = {i: sum(logs) / len(logs) for i, logs in there.items() if len(logs) > 1}
    found = []
    for costs in rows:
        indices = sorted(costs.logs.keys() & means.keys())
        own = np.array([costs.logs[i] - means[i] for i in indices])
        labels = np.array([costs.executions[i] for i in indices], np.intp)
        shares = [len(there[i]) / (len(there[i]) - 1) for i in indices]
        found.append((own, labels, float(np.mean(shares)) if shares else 1.0))
    return found


def _executions(logs: Array, labels: NDArray[np.intp]) -> tuple[Array, Array]:
    """Trimmed mean of each execution, and the weights with which they are averaged."""
    groups = [logs[labels == label] for label in np.unique(labels)]
    sizes = np.array([group.size for group in groups], np.float64)
    weights = sizes / (sizes + ROUNDS_LIKE_A_PROCESS)
    return np.array([_trimmed(group)[0] for group in groups]), weights / weights.sum()


def _trimmed(values: Array) -> tuple[float, float, int]:
    """Trimmed mean, its mean square as that of single values, and the degrees of freedom of it.

    With g of n left out at each end, ``h = n - 2 g`` and the winsorised sum of squares SS, the
    variance of the trimmed mean is ``SS / (h (h - 1))`` with h - 1 degrees of freedom.
    """
    n = values.size
    cut = int(TRIM * n)
    inner = np.sort(values)[cut : n - cut]
    h = inner.size
    if h < 2:
        return float(inner.mean()), 0.0, 0
    winsorised = np.clip(values, inner[0], inner[-1])
    squares = float(((winsorised - winsorised.mean()) ** 2).sum())
    return float(inner.mean()), n * squares / (h * (h - 1)), h - 1


def _repeated(logs: Array, labels: NDArray[np.intp], factor: float) -> Repeated:
    means, weights = _executions(logs, labels)
    groups = [logs[labels == label] for label in np.unique(labels)]
    sizes = np.array([group.size for group in groups], np.float64)
    parts = [_trimmed(group) for group in groups]
    degrees = sum(part[2] for part in parts)
    squares = sum(part[1] * part[2] for part in parts)
    return Repeated(
        within=factor * squares / degrees if degrees else 0.0,
        within_degrees=degrees / factor,
        between=factor * float(means.var(ddof=1)) if means.size > 1 else 0.0,
        between_degrees=(means.size - 1) / factor,
        round_share=float((1 / sizes).mean()),
        execution_weight=float((weights**2).sum()),
        round_weight=float((weights**2 / sizes).sum()),
    )
