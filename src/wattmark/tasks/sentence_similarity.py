"""Sentence similarity: how alike are two short news texts? Spearman's rank correlation.

50 texts of the Australian Broadcasting Corporation, every pair of which was rated by about ten
people (Lee, Pincombe and Welsh, "An Empirical Evaluation of Models of Text Document Similarity",
CogSci 2005). They ship with the package ``gensim``, among the data of its tests.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wattmark.assets import PackageRef, resolve
from wattmark.contracts import Example, Sensitivity
from wattmark.errors import CorruptArchiveError
from wattmark.records import TaskInfo, content_digest

_TEXTS, _RATINGS = (f"gensim/test/test_data/{file}" for file in ("lee.cor", "similarities0-1.txt"))

DOCUMENTS = PackageRef(
    name="gensim",
    version="4.4.0",
    sha256="91a7fa5e814e7b1bad4b2dffa8d62c1e55410d5cbdf930714c1997ffb4404db8",
    members=(_TEXTS, _RATINGS),
    file="gensim-4.4.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
    licence="texts of the ABC: research use; package LGPL-2.1",
    description="Lee's 50 news texts with ratings of their similarity",
)

SOURCE = "lee-2005"
COUNT = 50
PAIRS = COUNT * (COUNT - 1) // 2


class SentenceSimilarity:
    """Data are pairs of texts, labels their human rating: 0 (not alike) to 1 (the same)."""

    name = "sentence-similarity"
    default_model = "minilm-l6-similarity"
    metric = "Spearman's rho"
    higher_is_better = True
    sensitivity = Sensitivity(0.5, 1225, spread=0.1)

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """At most 1 225 pairs in an order drawn by ``seed``. Raises AssetError."""
        asset = resolve(DOCUMENTS)
        texts = _texts(asset.path(_TEXTS).read_bytes())
        ratings = _ratings(asset.path(_RATINGS).read_text())
        first, second = np.triu_indices(COUNT, 1)
        order = np.random.default_rng(seed).permutation(PAIRS)[:samples]
        drawn = [
            Example((texts[a], texts[b]), float(ratings[a, b]), SOURCE)
            for a, b in zip(first[order], second[order], strict=True)
        ]
        info = TaskInfo(
            name=self.name,
            unit="query",
            metric=self.metric,
            samples=len(drawn),
            data_digest=content_digest([[*e.data, e.label] for e in drawn]),
            licence=DOCUMENTS.licence,
            sources=(
                f"{DOCUMENTS.label}, sha256 {DOCUMENTS.sha256}",
                "Lee, Pincombe and Welsh, CogSci 2005",
            ),
            description=(
                f"Spearman's rank correlation with human ratings, {len(drawn)} of {PAIRS} pairs of "
                f"{COUNT} news texts"
            ),
        )
        return info, drawn

    def predict(self, similarity: float) -> str:
        """The similarity, a cosine from -1 to 1, with six decimals."""
        return f"{similarity:.6f}"

    def score(self, prediction: str, label: float) -> float:
        """1 - |similarity - rating|; a similarity below 0 counts as 0."""
        return 1 - abs(min(max(float(prediction), 0.0), 1.0) - label)

    def quality(self, predictions: Sequence[str], labels: Sequence[float]) -> float:
        """Spearman's rho: Pearson's correlation of the ranks, equal values sharing their mean rank.

        Not a number where all predictions or all labels are the same: there is no order to compare.
        """
        return spearman(np.array(predictions, np.float64), np.array(labels, np.float64))


def spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Spearman's rank correlation of two samples of one size; not a number if one is constant.

    Spearman, "The Proof and Measurement of Association between Two Things", Am. J. Psychol. 1904.
    """
    from scipy.stats import rankdata

    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _texts(data: bytes) -> list[str]:
    """One text a line."""
    texts = [re.sub(r"\s+", " ", line).strip() for line in data.decode("latin-1").splitlines()]
    if len(texts) != COUNT or not all(texts):
        raise CorruptArchiveError(f"{_TEXTS}: expected {COUNT} lines of text, one a document")
    return texts


def _ratings(table: str) -> NDArray[np.float64]:
    """Ratings from 0 to 1, shape (50, 50), of which only the part above the diagonal is given.

    The file has means of ratings from 1 to 5, divided by 5, and zeros below the diagonal.
    """
    try:
        fifths = np.array([line.split() for line in table.splitlines() if line.split()], np.float64)
    except ValueError as error:
        raise CorruptArchiveError(f"{_RATINGS}: {error}") from error
    square = fifths.shape == (COUNT, COUNT)
    if not square or not all(0.2 <= f <= 1 for f in fifths[np.triu_indices(COUNT, 1)]):
        raise CorruptArchiveError(f"{_RATINGS}: expected {COUNT} x {COUNT} numbers from 0.2 to 1")
    return (fifths * 5 - 1) / 4
