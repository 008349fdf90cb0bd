"""When data are too noisy to carry a verdict: one rule for every place where one is spoken.

A figure with its interval is always shown. What is said of it in words ("58 % less", "the best")
is refused where other programs used the machine in more than a fifth of the rounds, where there are
fewer than five rounds, or where the ratio to the baseline is known only within a factor of more
than 1.5. The spread that counts is that of measuring: of a modelled energy, that of its CPU time.
"""

from __future__ import annotations

import math
from typing import Literal

from wattmark.quantities import Grade, Quantity
from wattmark.records.reading import baseline_result
from wattmark.records.result import Result, Run

#: Fewer rounds than this carry no verdict; of LoadGen's tests, which are long, fewer than three.
MIN_ROUNDS = 5
MIN_TESTS = 3
#: A larger share of contended rounds carries none.
MOST_CONTENDED = 0.2
#: Nor does a ratio known only within a larger factor; with contended rounds of unknown number
#: (in runs from before they were counted) the smaller factor holds.
WIDEST_FACTOR = 1.5
WIDEST_FACTOR_CONTENDED = 1.1

ADVICE = "close other programs and run again"

Figure = Literal["energy", "latency"]


def noise(run: Run, result: Result, figure: Figure) -> str:
    """Why a verdict on a result's energy or latency is refused; empty where the data carry it.

    A ratio is as noisy as the noisier of its two sides.
    """
    baseline = baseline_result(run)
    for side in (result,) if baseline is None else (result, baseline):
        if why := _contention(side, figure) or _rounds(side):
            return why
    factor = _factor(_ratio(result, figure))
    if factor > WIDEST_FACTOR:
        within = "no factor" if math.isinf(factor) else f"a factor of {factor:.2g}"
        return f"the ratio of {result.id} to the baseline is known only within {within}"
    return ""


def too_noisy(reasons: list[str]) -> str:
    """The words that stand in for a verdict."""
    return f"too noisy to conclude: {'; '.join(dict.fromkeys(reasons))}; {ADVICE}"


def _contention(result: Result, figure: Figure) -> str:
    contended, rounds = result.contended_rounds, result.rounds
    if "contended" not in result.flags:
        return ""
    if contended is None:
        wide = _factor(_ratio(result, figure)) > WIDEST_FACTOR_CONTENDED
        return f"other programs used the machine in rounds of {result.id}" if wide else ""
    if contended <= MOST_CONTENDED * rounds:
        return ""
    return f"other programs used the machine in {contended} of {rounds} rounds of {result.id}"


def _rounds(result: Result) -> str:
    needed = MIN_TESTS if result.loadgen else MIN_ROUNDS
    if 0 < result.rounds < needed:  # 0: a record from before they were counted
        return f"{result.id} has {result.rounds} of at least {needed} rounds"
    return ""


def _ratio(result: Result, figure: Figure) -> Quantity | None:
    if result.ratios is None:
        return None
    if figure == "latency":
        return result.ratios.latency
    modelled = result.ratios.energy.grade in (Grade.MODELLED, Grade.PARAMETRIC)
    return result.ratios.cpu_time if modelled else result.ratios.energy


def _factor(ratio: Quantity | None) -> float:
    """The factor by which either end of the interval is off its middle; 1 where none is known."""
    if ratio is None or not ratio.known:
        return 1.0
    low, _, high = ratio.bounds()
    return math.sqrt(high / low) if low > 0 else math.inf
