"""How often the interval of a ratio of modelled energies holds the truth, and how wide it is.

A machine is drawn (watts of a busy core, idle share), two programs (how far the watts that each
draws lie from the machine's mean), and rounds of CPU time in turns. The truth is the ratio of the
energies that the two would draw; the product sees CPU times and walls. Four ways to an interval:

* `times alone`: the paired rounds of modelled energy, as if the model were exact (naive);
* `end by end`: that and low over low, high over high, where all that is unknown cancels (before);
* `ratio`: the energy ratio of a result (`results/energy_results.py`);
* `side by side`: two results' comparable intervals by the model of `records/common_parts.py`, as
  stars, the front, a policy's verdict and the board's comparison have it;
* `boxes`: the extremes of the two comparable intervals.

Each cell is coverage in % and the median of high / low. Programs: `none` (all draw the mean);
`normal` and `Laplace`, a mean miss of 5 %, as power models have between benchmarks; `uniform`
within 10 %. `busy` compares two setups that keep both cores busy, `idle` one that does with one
that leaves a core idle, so that the idle share does not cancel.

    python benchmarks/modelled_ratio.py [--runs 400] [--rounds 10] [--noise 0.03] [--seed 0]
"""

import argparse
import math
from collections.abc import Callable

import numpy as np

from wattmark.conduct.recorder import Samples
from wattmark.metrology.cpu_power import DEFAULT_MODEL, CpuWork
from wattmark.metrology.cpu_windows import cpu_reading, cpu_window
from wattmark.quantities import Quantity
from wattmark.records import Energy, Plan, Round, SampleFile, parse_setup
from wattmark.records.common_parts import Parts, ratio
from wattmark.results.energy_results import energies, ratios
from wattmark.results.idle_powers import IdlePowers
from wattmark.results.measurement import Measured
from wattmark.statistics import paired_total_ratio

CORES, QUERIES, MISS = 2, 50, 0.05
PLAN = Plan.model_validate(
    {
        "name": "modelled-ratio",
        "task": "text-classification",
        "model": "minilm-l6-sentiment",
        "setups": [parse_setup("pytorch/eager/fp32"), parse_setup("onnxruntime/cpu/int8-dynamic")],
    }
)
PROGRAMS: dict[str, Callable[[np.random.Generator], float]] = {
    "none": lambda rng: 0.0,
    "normal": lambda rng: rng.normal(0.0, MISS * math.sqrt(math.pi / 2)),
    "Laplace": lambda rng: rng.laplace(0.0, MISS),
    "uniform": lambda rng: rng.uniform(-2 * MISS, 2 * MISS),
}
#: CPU seconds within one second of wall on two cores, of setup and baseline.
WORKS = {"busy": (1.9, 1.9), "idle": (0.9, 1.9)}
WAYS = ("times alone", "end by end", "ratio", "side by side", "boxes")


def one_run(
    rng: np.random.Generator, program: str, work: str, rounds: int, noise: float
) -> tuple[float, dict[str, Quantity]]:
    """The true ratio, and what each way says of it."""
    low, middle, high = DEFAULT_MODEL.idle_share.bounds()
    share = float(np.clip(rng.normal(middle, (high - low) / 3.92), 0.0, 1.0))
    drawn = [PROGRAMS[program](rng) for _ in range(2)]
    cpu_s = [w * np.exp(rng.normal(0.0, noise, rounds)) for w in WORKS[work]]
    true_j = [
        (1 + p) * CpuWork(w, 1.0, CORES).gross(share)
        for p, w in zip(drawn, WORKS[work], strict=True)
    ]
    ours, theirs = (measured(each) for each in cpu_s)
    one, other = (energy(side) for side in (ours, theirs))
    joules = [[w.gross.bounds()[1] for i in s.rounds for w in s.whole_windows(i)]
              for s in (ours, theirs)]  # fmt: skip
    alone = paired_total_ratio(*joules)
    found = {
        "times alone": alone,
        "end by end": end_by_end(alone, ours, theirs),
        "ratio": ratios(PLAN, ours, theirs, is_baseline=False).energy,
        "side by side": ratio(one.per_query, other.per_query, parts_of(one), parts_of(other)),
        "boxes": comparable(one) / comparable(other),
    }
    return true_j[0] / true_j[1], found


def measured(cpu_s: np.ndarray) -> Measured:
    """Rounds of one second with these CPU times."""
    rounds = {}
    for index, seconds in enumerate(cpu_s):
        readings = cpu_reading(0, 0.0), cpu_reading(10**9, float(seconds))
        rounds[index] = Round(
            trial="t", execution=0, index=index, queries=QUERIES, start_ns=0, wall_s=1.0,
            cpu_s=float(seconds), run_queue_wait_s=None, steal_s=None,
            energy=(cpu_window("modelled-cpu", *readings, CORES, DEFAULT_MODEL),),
            samples=SampleFile(path="x", sha256="", queries=QUERIES),
        )  # fmt: skip
    samples = Samples(
        query=np.arange(QUERIES, dtype=np.int32), start_ns=np.zeros(QUERIES, np.int64),
        latency_ns=np.ones(QUERIES, np.int64), prediction=[""] * QUERIES,
        score=np.zeros(QUERIES), error=[None] * QUERIES,
    )  # fmt: skip
    return Measured(rounds, dict.fromkeys(rounds, samples))


def energy(side: Measured) -> Energy:
    """Energy per query of a setup's rounds."""
    (found,) = energies(side.in_order(), [1.0] * QUERIES, IdlePowers([]))
    return found


def comparable(of: Energy) -> Quantity:
    """Its energy with the interval for comparisons."""
    assert of.comparable is not None
    return of.comparable.energy


def parts_of(of: Energy) -> Parts:
    """What it shares with others of its machine."""
    assert of.comparable is not None
    found = Parts.of(
        of.per_query, of.comparable.energy, of.comparable.idle_effect or 0.0, of.comparable.scale
    )
    assert found is not None
    return found


def end_by_end(alone: Quantity, ours: Measured, theirs: Measured) -> Quantity:
    """What the ratio was before: the wider of the rounds' interval and the shifts of both ends."""
    low, value, high = alone.bounds()
    indices = list(ours.rounds)
    sums = {
        end: [math.fsum(side.energy_j_per_query(indices, end) or ()) for side in (ours, theirs)]
        for end in ("low", "value", "high")
    }
    point = sums["value"][0] / sums["value"][1]
    shifts = [value * sums[end][0] / sums[end][1] / point for end in ("low", "high")]
    return Quantity.between(value, min(low, *shifts), max(high, *shifts), "1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--noise", type=float, default=0.03)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(f"{asked.runs} runs of {asked.rounds} rounds; coverage in %, median high / low")
    print(f"{'setups':8}{'programs':10}" + "".join(f"{way:>16}" for way in WAYS))
    for work in WORKS:
        for program in PROGRAMS:
            rng = np.random.default_rng(asked.seed)
            held: dict[str, list[bool]] = {way: [] for way in WAYS}
            widths: dict[str, list[float]] = {way: [] for way in WAYS}
            for _ in range(asked.runs):
                truth, found = one_run(rng, program, work, asked.rounds, asked.noise)
                for way, quantity in found.items():
                    low, _, high = quantity.bounds()
                    held[way].append(low <= truth <= high)
                    widths[way].append(high / low)
            cells = (f"{100 * np.mean(held[w]):5.1f} {np.median(widths[w]):5.2f}" for w in WAYS)
            print(f"{work:8}{program:10}" + "".join(f"{cell:>16}" for cell in cells))


if __name__ == "__main__":
    main()
