"""Do intervals of ratios and percentiles hold what they promise, and how wide are they for it?

Simulated runs with a known truth. Rounds have noise of 3 % (normal, Student's t of 3 degrees, or
bursts: every seventh round disturbed by up to 30 %) and a drift of 5 % that all setups of a round
share; processes differ by the spread in the column, which in turn differs over setups by a factor
of 1.3. Each cell: coverage of nominal 95 % intervals, and the median half-width in %. A/A false
alarms are 1 - coverage: all true ratios are 1. *Naive* is Student's t over executions (over rounds,
with one execution) of setup and baseline alone.

    python benchmarks/ratio_coverage.py [runs a cell]
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wattmark.statistics import (
    Costs,
    PastSpread,
    percentile_interval,
    percentile_over_rounds,
    pooled_ratios,
)

Array = NDArray[np.float64]
SPREADS = (0.0, 0.02, 0.05, 0.10)
#: Setups beside the baseline, executions, rounds an execution.
DESIGNS = (
    (9, 1, 3), (9, 1, 10), (1, 1, 40), (9, 2, 3), (9, 2, 10), (4, 2, 5), (1, 2, 10),
    (4, 3, 5), (1, 4, 10), (2, 5, 8),
)  # fmt: skip
SETUPS_DIFFER = 0.25
ROUND_NOISE, DRIFT = 0.03, 0.05


def bursts(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    hit = rng.random(shape) < 1 / 7
    return rng.standard_normal(shape) + np.where(hit, rng.uniform(0, 10, shape), 0)


NOISES: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "t3": lambda rng, shape: rng.standard_t(3, shape) / math.sqrt(3),
    "bursts": bursts,
}


def simulated(
    rng: np.random.Generator, noise: str, design: tuple[int, int, int], spread: float
) -> Array:
    """Log costs, shape (setups + 1, executions, rounds); the baseline comes first."""
    setups, executions, rounds = design
    own = spread * np.exp(SETUPS_DIFFER * rng.standard_normal(setups + 1))
    processes = own[:, None, None] * rng.standard_normal((setups + 1, executions, 1))
    drift = DRIFT * rng.standard_normal((executions, rounds))
    return processes + drift + ROUND_NOISE * NOISES[noise](rng, (setups + 1, executions, rounds))


def pooled(logs: Array, past: tuple[PastSpread, ...] = ()) -> list[tuple[bool, float]]:
    """Whether each ratio's interval holds 1, and its half-width on the logarithm."""
    _, executions, rounds = logs.shape
    labels = dict(enumerate(np.repeat(np.arange(executions), rounds).tolist()))
    costs = {
        str(n): Costs(dict(enumerate((one - logs[0]).ravel().tolist())), labels, past)
        for n, one in enumerate(logs[1:])
    }
    found = [one.ratio.bounds() for one in pooled_ratios(costs, Costs({}, labels, past)).values()]
    return [(low <= 1 <= high, math.log(high / low) / 2) for low, _, high in found]


def naive(logs: Array) -> list[tuple[bool, float]]:
    from scipy.special import stdtrit

    found = []
    for one in logs[1:]:
        ratio = one - logs[0]
        units = ratio.mean(axis=1) if ratio.shape[0] > 1 else ratio.ravel()
        error = units.std(ddof=1) / math.sqrt(units.size)
        half = float(stdtrit(units.size - 1, 0.975)) * error
        found.append((abs(units.mean()) <= half, half))
    return found


def cell(found: list[tuple[bool, float]]) -> str:
    covered = sum(held for held, _ in found) / len(found)
    width = 100 * math.expm1(float(np.median([half for _, half in found])))
    return f"{covered:.3f} ±{width:.1f}"


def ratio_table(runs: int) -> None:
    head = " | ".join(f"{100 * s:.0f} %: pooled | naive" for s in SPREADS)
    print(f"| rounds | setups + baseline, executions × rounds | {head} |")
    print(f"| --- | --- |{' --- | --- |' * len(SPREADS)}")
    for noise in NOISES:
        for design in DESIGNS:
            cells = []
            for spread in SPREADS:
                rng = np.random.default_rng(7)
                repeats = max(1, runs // min(design[0], 4))
                logs = [simulated(rng, noise, design, spread) for _ in range(repeats)]
                cells += [
                    cell([pair for one in logs for pair in way(one)]) for way in (pooled, naive)
                ]
            setups, executions, rounds = design
            print(f"| {noise} | {setups}+1, {executions} × {rounds} | {' | '.join(cells)} |")
            sys.stdout.flush()


def history_table(runs: int) -> None:
    """One execution, where earlier runs had eight degrees of freedom of the same spread."""
    print("\n| 3+1, 1 × 10, history of 8 degrees | coverage and width |\n| --- | --- |")
    for spread in SPREADS:
        rng = np.random.default_rng(8)
        found = []
        for _ in range(runs):
            seen = (spread**2 + ROUND_NOISE**2 / 10) * rng.chisquare(8) / 8
            past = (PastSpread(seen, ROUND_NOISE**2 / 10, 8.0),)
            found += pooled(simulated(rng, "normal", (3, 1, 10), spread), past)
        print(f"| {100 * spread:.0f} % | {cell(found)} |")


def kinds_table(runs: int) -> None:
    """Two setups of ten whose processes vary by 15 %, the others by 1 %: no one pool holds."""
    print(
        "\n| 9+1, 2 × 5, setups that differ in kind | hierarchy | one pool |\n| --- | --- | --- |"
    )
    spreads = np.array([*[0.01] * 8, 0.15, 0.15])
    rng = np.random.default_rng(9)
    ours: list[list[tuple[bool, float]]] = [[], []]
    pool: list[list[tuple[bool, float]]] = [[], []]
    for _ in range(runs):
        processes = spreads[:, None, None] * rng.standard_normal((10, 2, 1))
        logs = processes + ROUND_NOISE * rng.standard_normal((10, 2, 5))
        means = logs.mean(axis=2)
        own = means - means.mean(axis=0)
        square = ((own - own.mean(axis=1, keepdims=True)) ** 2).sum() / 9
        half = 2.26 * math.sqrt(square)  # t of 9 degrees, 2 / 2 executions
        for n, pair in enumerate(pooled(logs)):
            ours[n >= 7].append(pair)
            pool[n >= 7].append((abs((means[n + 1] - means[0]).mean()) <= half, half))
    for kind, name in enumerate(("1 %", "15 %")):
        print(f"| {name} | {cell(ours[kind])} | {cell(pool[kind])} |")


def percentile_table(runs: int) -> None:
    print("\n| rounds shift by | rounds × queries | p50: over rounds | naive | p90 | | p99 | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    from scipy.special import ndtri

    for shift in (0.0, 0.02, 0.05, 0.10):
        for rounds, queries in ((5, 100), (10, 100), (40, 25)):
            rng = np.random.default_rng(10)
            noise = [
                shift * rng.standard_normal((rounds, 1))
                + 0.1 * rng.standard_normal((rounds, queries))
                for _ in range(runs)
            ]
            cells = []
            for p in (0.5, 0.9, 0.99):
                truth = float(ndtri(p)) * math.hypot(shift, 0.1)
                for way in (
                    lambda x, p=p: percentile_over_rounds(list(x), p),
                    lambda x, p=p: percentile_interval(x, p),
                ):
                    ends = [np.log(way(np.exp(one))) for one in noise]
                    held = [(e[1] <= truth <= e[2], float(e[2] - e[1]) / 2) for e in ends]
                    cells.append(cell(held))
            print(f"| {100 * shift:.0f} % | {rounds} × {queries} | {' | '.join(cells)} |")


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    ratio_table(number)
    history_table(number)
    kinds_table(number)
    percentile_table(number)
