"""Questions made from plain text, to train a span head where annotated ones are few.

A phrase of a sentence is taken out and a question word put in front: "a wh-word and the rest".
Lewis, Denoyer and Riedel, "Unsupervised Question Answering by Cloze Translation", ACL 2019
(arXiv 1906.04980), get far with such noisy questions. Half are then spoken badly: a false start
and a correction are put in, as in Disfl-QA.
"""

from __future__ import annotations

import re

import numpy as np

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NAME = r"[A-Z][\w'’-]*"
_PHRASES = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            "date",
            rf"(?:(?:\d{{1,2}} )?(?:{_MONTHS})(?: \d{{1,2}})?,? )?\b1[0-9]{{3}}\b|\b20[0-2]\d\b",
        ),
        ("number", r"(?:[$£€] ?)?\b\d[\d,.]*\b(?: ?%| percent| million| billion| [a-z]{3,}s\b)?"),
        ("number", r"\b(?:two|three|four|five|six|seven|eight|nine|ten|hundreds|thousands)\b"),
        ("name", rf"\b{_NAME}(?: (?:of |the |de |and )?{_NAME}){{0,4}}"),
        ("thing", r"\b(?:the|a|an|its|their|his|her) (?:[a-z][a-z-]+ ){0,2}[a-z][a-z-]+"),
        ("thing", r"\b[a-z]{4,}(?:al|ic|ive|ous|ed|ar) [a-z]{4,}s?\b"),
    )
)
_WORDS = {
    "date": ("when", "when", "what year", "in what year"),
    "number": ("how many", "how many", "how much", "what number"),
    "name": ("who", "who", "what", "what", "which", "where"),
    "thing": ("what", "what", "what", "which", "how", "why"),
}
_CORRECTIONS = (
    "no", "no wait", "sorry", "no sorry", "er", "um no", "I mean", "or I mean", "or rather",
    "or instead", "make that", "or actually", "oh no", "ah sorry", "uh wait",
)  # fmt: skip

#: question, passage, and where the answer stands in it
Cloze = tuple[str, str, tuple[int, int]]


def cloze(passage: str, rng: np.random.Generator) -> Cloze | None:
    """One question about the passage, or None where no phrase is found."""
    sentences = [m.span() for m in re.finditer(r"[^.?!]+(?:[.?!](?!\s)[^.?!]*)*", passage)]
    spans = [(a, b) for a, b in sentences if 6 <= len(passage[a:b].split()) <= 60]
    for index in rng.permutation(len(spans))[:4]:
        if made := _asked(passage, *spans[index], rng):
            question, answer = made
            if rng.random() < 0.5:
                question = _disfluent(question, passage, answer, rng)
            return question, passage, answer
    return None


def _asked(
    passage: str, start: int, end: int, rng: np.random.Generator
) -> tuple[str, tuple[int, int]] | None:
    """A question whose answer is a phrase between two positions."""
    sentence = passage[start:end]
    kinds = [
        (kind, m.span()) for kind, pattern in _PHRASES for m in pattern.finditer(sentence)
        if len(m.group()) > 1 and not (kind == "name" and m.start() < 2 and " " not in m.group())
    ]  # fmt: skip
    if not kinds:
        return None
    # kinds of phrases first, so that the many common nouns do not crowd out dates and names
    kind = sorted({k for k, _ in kinds})[rng.integers(len({k for k, _ in kinds}))]
    choices = [span for k, span in kinds if k == kind]
    left, right = choices[rng.integers(len(choices))]
    before, after = sentence[:left], sentence[right:]
    if rng.random() < 0.6:  # the clause alone
        before, after = re.split(r"[,;:()]| -- ", before)[-1], re.split(r"[,;:()]| -- ", after)[0]
    if len((before + after).split()) < 3:
        before, after = sentence[:left], sentence[right:]
    lead = _WORDS[kind][rng.integers(len(_WORDS[kind]))]
    if kind == "name" and re.search(r"\b(?:in|at|from|near)\s*(?:the\s*)?$", before):
        lead = "where"
    words = [*before.split()[-14:], *after.split()[:14]]
    words = [w for w in words if rng.random() > 0.12]
    if rng.random() < 0.15:
        words.insert(min(len(words), len(before.split())), lead)
    else:
        words.insert(0, lead)
    return " ".join(words) + " ?", (start + left, start + right)


def _disfluent(
    question: str, passage: str, answer: tuple[int, int], rng: np.random.Generator
) -> str:
    """The question with a false start: of another question, or of another phrase."""
    correction = _CORRECTIONS[rng.integers(len(_CORRECTIONS))]
    words = question.split()
    if rng.random() < 0.5:
        phrases = [
            m.group() for _, pattern in _PHRASES[3:] for m in pattern.finditer(passage)
            if m.end() <= answer[0] or m.start() >= answer[1]
        ]  # fmt: skip
        if phrases:
            place = int(rng.integers(1, max(2, len(words) - 1)))
            wrong = phrases[rng.integers(len(phrases))]
            return " ".join([*words[:place], wrong, correction, *words[place:]])
    other = passage.split()
    place = int(rng.integers(max(1, len(other) - 8)))
    start = [words[0], *other[place : place + int(rng.integers(1, 7))]]
    return " ".join([*start, correction, *words])
