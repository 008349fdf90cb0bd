"""Reasoning: problems with a number as their answer, and the AI Energy Score's text prompts.

The AI Energy Score measures reasoning on the data of text generation: they have no answer that is
right or wrong, so cost alone can be measured on them. GSM8K is no part of it.
"""

from __future__ import annotations

from dataclasses import replace

from wattmark.tasks.hub.dataset import HubDataset, Read, Row
from wattmark.tasks.hub.text_generation import OSCAR, ULTRACHAT, WIKITEXT


def _solved(row: Row) -> tuple[str, float]:
    """A problem and its number, which stands after ``####``."""
    _, found, number = row["answer"].rpartition("####")
    if not found:
        raise ValueError("the answer has no line '#### number'")
    return row["question"].strip(), float(number.replace(",", ""))


def _unanswered(read: Read) -> Read:
    def unanswered(row: Row) -> tuple[str, None] | None:
        pair = read(row)
        return None if pair is None else (pair[0], None)

    return unanswered


DATASETS = (
    HubDataset(
        name="gsm8k",
        repo="openai/gsm8k",
        files=("main/test*.parquet",),
        split="main, test",
        columns=("question",),
        label_columns=("answer",),
        label="the number that solves it",
        read=_solved,
        licence="MIT",
        citation="Cobbe et al., arXiv 2110.14168",
        collections=(),
    ),
    *(
        replace(texts, label="", read=_unanswered(texts.read))
        for texts in (WIKITEXT, OSCAR, ULTRACHAT)
    ),
)
