"""Train the sentiment head of ``minilm-l6-sentiment`` and report its quality.

A logistic regression on the 384 numbers that the frozen encoder gives for a text:

    minimise  mean(log(1 + exp(-y (w x + b)))) + l2 / 2 * |w|^2,   y = -1 or 1

which is convex: there is one best head. Training texts are drawn from those
that the task does not hold out; the strength of l2 is chosen by five-fold cross-validation among
them. Held-out texts are used once, for the figures that are printed and kept with the head.

    python training/train_sentiment_head.py            # writes the head that is committed
    python training/train_sentiment_head.py --check    # trains again and compares with it
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import binomtest

from wattmark.models.minilm_l6_sentiment import HEAD, MiniLmSentiment, read_head
from wattmark.models.networks.minilm_l6 import ENCODER, load_bert, sentence_embedding
from wattmark.tasks.text_classification import (
    CELLS,
    CLASSES,
    REVIEWS,
    Review,
    held_out,
    read_reviews,
)

SEED = 20260731
TRAINING_TEXTS = {"rotten_tomatoes": 4000, "imdb": 2500}
EVALUATION_TEXTS = {"rotten_tomatoes": 1000, "imdb": 1000}
L2_CANDIDATES = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4)
FOLDS = 5

Matrix = NDArray[np.float64]
_log = logging.getLogger("train_sentiment_head")


def draw(reviews: Sequence[Review], counts: dict[str, int], seed: int) -> list[Review]:
    """The wanted number of reviews of each source, half of each label, in random order."""
    rng = np.random.default_rng(seed)
    drawn: list[Review] = []
    for source, label in CELLS:
        cell = [r for r in reviews if (r.source, r.label) == (source, label)]
        wanted = counts[source] // len(CLASSES)
        if len(cell) < wanted:
            raise SystemExit(f"{source} has {len(cell)} {label} texts, {wanted} were wanted")
        drawn += [cell[i] for i in rng.permutation(len(cell))[:wanted]]
    return [drawn[i] for i in rng.permutation(len(drawn))]


def embed(model: MiniLmSentiment, texts: Sequence[str], batch: int = 32) -> Matrix:
    """Embeddings (n, 384), each text padded to its bucket as it is when measured."""
    encoder = load_bert().eval()
    prepared = model.preprocess(texts)
    lengths = np.array([p["input_ids"].shape[1] for p in prepared])
    embeddings = np.empty((len(texts), 384))
    with torch.inference_mode():
        for length in np.unique(lengths):
            members = np.flatnonzero(lengths == length)
            for start in range(0, len(members), batch):
                chosen = members[start : start + batch]
                ids, mask = (
                    torch.from_numpy(np.concatenate([prepared[i][name] for i in chosen]))
                    for name in ("input_ids", "attention_mask")
                )
                embeddings[chosen] = sentence_embedding(encoder, ids, mask).numpy()
            _log.info("embedded %d texts of up to %d tokens", len(members), length)
    return embeddings


def signs(reviews: Sequence[Review]) -> Matrix:
    """Labels as -1 and 1."""
    return np.array([2.0 * CLASSES.index(r.label) - 1.0 for r in reviews])


def fit(x: Matrix, y: Matrix, l2: float) -> Matrix:
    """Weights and, last, the bias (which is not penalised), by Newton's method."""
    columns = np.hstack([x, np.ones((len(x), 1))])
    penalty = np.append(np.full(x.shape[1], l2), 0.0)

    def objective(head: Matrix) -> tuple[float, Matrix]:
        margin = y * (columns @ head)
        slope = -y * expit(-margin) / len(y)
        loss = np.logaddexp(0, -margin).mean() + penalty @ head**2 / 2
        return float(loss), columns.T @ slope + penalty * head

    def hessian(head: Matrix) -> Matrix:
        probability = expit(columns @ head)
        curvature = probability * (1 - probability) / len(y)
        return np.asarray((columns.T * curvature) @ columns + np.diag(penalty))

    found = minimize(
        objective,
        np.zeros(columns.shape[1]),
        jac=True,
        hess=hessian,
        method="trust-exact",
        options={"gtol": 1e-9, "initial_trust_radius": 10.0, "max_trust_radius": 1e4},
    )
    if not found.success:
        raise SystemExit(f"Newton's method did not converge: {found.message}")
    return np.asarray(found.x)


def right(x: Matrix, y: Matrix, head: Matrix) -> NDArray[np.bool_]:
    """Which texts the head gets right."""
    return np.asarray(y * (x @ head[:-1] + head[-1]) > 0)


def cross_validated(x: Matrix, y: Matrix, l2: float) -> float:
    """Mean accuracy over the folds."""
    fold = np.arange(len(y)) % FOLDS
    scores = [
        right(x[fold == k], y[fold == k], fit(x[fold != k], y[fold != k], l2)).mean()
        for k in range(FOLDS)
    ]
    return float(np.mean(scores))


def quality(correct: NDArray[np.bool_]) -> dict[str, float]:
    """Accuracy with its 95 % Wilson interval."""
    found = binomtest(int(correct.sum()), len(correct)).proportion_ci(0.95, method="wilson")
    low, high = round(float(found.low), 4), round(float(found.high), 4)
    return {"texts": len(correct), "accuracy": float(correct.mean()), "low": low, "high": high}


def main() -> None:
    """Train, evaluate, and write or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed head")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%X")
    began = time.monotonic()

    model, reviews = MiniLmSentiment(), read_reviews()
    training = draw([r for r in reviews if not held_out(r.text)], TRAINING_TEXTS, SEED)
    evaluation = draw([r for r in reviews if held_out(r.text)], EVALUATION_TEXTS, SEED)
    x, y = embed(model, [r.text for r in training]), signs(training)

    scores = {l2: cross_validated(x, y, l2) for l2 in L2_CANDIDATES}
    for l2, score in scores.items():
        _log.info("l2 %.0e: cross-validated accuracy %.4f", l2, score)
    l2 = max(scores, key=lambda candidate: scores[candidate])
    head = fit(x, y, l2).astype(np.float32).astype(np.float64)

    correct = right(embed(model, [r.text for r in evaluation]), signs(evaluation), head)
    sources = np.array([r.source for r in evaluation])
    figures = {s: quality(correct[sources == s]) for s in EVALUATION_TEXTS}
    figures["both"] = quality(correct)
    for name, figure in figures.items():
        _log.info("held out, %s: %s", name, figure)
    _log.info("%.0f s with %d threads", time.monotonic() - began, torch.get_num_threads())

    if arguments.check:
        weight, bias = read_head()
        difference = float(np.abs(head - np.array([*weight, bias])).max())
        _log.info("largest difference from the committed head: %.2e", difference)
        raise SystemExit(difference > 1e-2 * np.abs(head).max())
    record = {
        "seed": SEED,
        "encoder_sha256": ENCODER.sha256,
        "data_sha256": REVIEWS.sha256,
        "training_texts": TRAINING_TEXTS,
        "l2": l2,
        "held_out": figures,
        # nine digits give back every float32
        "bias": float(f"{head[-1]:.9g}"),
        "weight": [float(f"{w:.9g}") for w in head[:-1]],
    }
    HEAD.write_text(json.dumps(record, indent=1) + "\n")
    _log.info("wrote %s", HEAD.name)


if __name__ == "__main__":
    main()
