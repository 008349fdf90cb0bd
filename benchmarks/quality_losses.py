"""Whether a loss of quality is seen: bits per byte of held-out text, paired and not.

Texts are simulated as they were found: 22 tokens of 3 nats with the spread that texts have, and a
setup that loses a share of quality by changing every token's loss (normal, or Student's t with
three degrees of freedom). `coverage` is how often the interval of the reference's bits over the
setup's holds the true ratio, `width` the median of high less low, `seen` how often it leaves 1
out. `paired` is what results say; `unpaired` takes the two totals' own intervals crosswise,
`tokens` pairs but takes single tokens for independent. Beside it, how often the losses that
`smallest_loss` names are seen in accuracies: 80 % is what it promises.

    python benchmarks/quality_losses.py [--runs 2000] [--texts 72] [--seed 0]
"""

import argparse
import math

import numpy as np
from scipy.special import stdtrit

from wattmark.contracts import HeldOutText
from wattmark.results.text_loss import TextLosses
from wattmark.statistics import pooled_rate, relative_quality
from wattmark.statistics.power import smallest_loss

TOKENS, NATS, TEXT_SPREAD = 22, 3.0, 0.25
#: the mean over texts, whose difficulty is lognormal
MEAN = NATS * math.exp(TEXT_SPREAD**2 / 2)
#: its tokens are not looked at here
TEXT = [HeldOutText({}, np.zeros((1, TOKENS), np.int64), bytes=100, vocabulary=49_152)]
#: how much of what a setup changes in a token is common to its text: found for INT4
COMMON = 0.013
#: loss, and the standard deviation of what it changes in a token, as found for INT8 and INT4
#: (0.09 nats at 0.1 %, 0.97 at 8.9 %; between them with the root of the loss)
CASES = ((0.0, 0.09), (0.01, 0.33), (0.09, 0.97))


def changes(rng: np.random.Generator, kind: str, shape: tuple[int, int]) -> np.ndarray:
    """Of variance 1, partly common to a text."""
    draw = (
        rng.standard_normal
        if kind == "normal"
        else (lambda size: rng.standard_t(3, size) / math.sqrt(3))
    )
    return math.sqrt(COMMON) * draw((shape[0], 1)) + math.sqrt(1 - COMMON) * draw(shape)


def text_table(runs: int, texts: int, seed: int) -> None:
    """Coverage, width and power of the three intervals."""
    print(f"{texts} texts, {runs} runs\n")
    print("| changes | loss | interval | coverage | width | seen |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind in ("normal", "t3"):
        for loss, spread in CASES:
            rng = np.random.default_rng(seed)
            found: dict[str, list[tuple[float, float]]] = {}
            for _ in range(runs):
                level = NATS * np.exp(TEXT_SPREAD * rng.standard_normal((texts, 1)))
                reference = level * rng.gamma(2.0, 0.5, (texts, TOKENS))
                mine = reference + MEAN * loss + spread * changes(rng, kind, reference.shape)
                theirs, ours = reference.sum(1), np.maximum(mine.sum(1), 1e-9)
                paired = TextLosses(TEXT * texts, ours, theirs).of_reference()
                found.setdefault("paired", []).append((paired.low, paired.high))
                a, b = (pooled_rate(x, np.ones(texts), "1") for x in (theirs, ours))
                found.setdefault("unpaired", []).append((a.low / b.high, a.high / b.low))
                ratio = theirs.sum() / ours.sum()
                error = (reference - ratio * mine).std(ddof=1) / mine.mean() / math.sqrt(mine.size)
                half = float(stdtrit(mine.size - 1, 0.975)) * error
                found.setdefault("tokens", []).append((ratio - half, ratio + half))
            true = 1 / (1 + loss)
            for name, ends in found.items():
                low, high = np.array(ends).T
                print(
                    f"| {kind} | {100 * loss:g} % | {name} "
                    f"| {100 * np.mean((low <= true) & (true <= high)):.1f} % "
                    f"| {100 * np.median(high - low):.2f} % "
                    f"| {100 * np.mean((high < 1) | (low > 1)):.0f} % |"
                )


def accuracy_table(runs: int, seed: int) -> None:
    """How often the loss that is named beforehand is seen."""
    print("\n| queries | reference | changed | smallest loss | seen |")
    print("| --- | --- | --- | --- | --- |")
    rng = np.random.default_rng(seed)
    for n, reference, changed in (
        (100, 0.8, 0.02), (1000, 0.8, 0.02), (1000, 0.11, 0.04), (200, 0.75, 0.1),
    ):  # fmt: skip
        share = smallest_loss(n, reference, changed=changed)
        assert share is not None
        lost, gained = share * reference, changed / 2
        cells = [gained, gained + lost, reference - gained - lost]
        seen = 0
        for _ in range(runs):
            counts = rng.multinomial(n, [*cells, 1 - sum(cells)])
            mine, theirs = np.repeat([1, 0, 1, 0], counts), np.repeat([0, 1, 1, 0], counts)
            relative = relative_quality(mine, theirs)
            seen += relative.high is not None and relative.high < 1
        print(
            f"| {n} | {reference} | {changed} | {100 * share:.1f} % | {100 * seen / runs:.0f} % |"
        )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--texts", type=int, default=72)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    text_table(asked.runs, asked.texts, asked.seed)
    accuracy_table(asked.runs, asked.seed)


if __name__ == "__main__":
    main()
