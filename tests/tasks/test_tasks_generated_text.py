"""The tasks whose answers are generated text: text generation, reasoning, summarization."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import CorruptArchiveError
from wattmark.tasks import langtest, reasoning, summarization, text_generation
from wattmark.tasks.reasoning import Reasoning, answered
from wattmark.tasks.summarization import Summarization, rouge
from wattmark.tasks.text_generation import PROMPT_WORDS, TextGeneration, first_word

PROBLEMS = [
    ("Ann has 9 pens and loses 5.", "How many are left?", "4 pens"),
    ("A car costs $1,050.", "How much is it?", "$1,050"),
    ("Tom runs 2.5 miles.", "How far?", "2.5 miles"),
    ("A quarter of the cake.", "What percentage?", "25%"),
    ("Two clocks.", "What time is it?", "9:41"),
    ("Two numbers.", "Which?", "13; 39"),
    ("Who runs faster?", "Tom or Ann?", "Ann"),
]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Stands in for the package's files: ``files[member] = [row, ...]``."""
    content: dict[str, list[dict[str, str]]] = {}

    class Asset:
        def path(self, member):
            path = tmp_path / member.replace("/", "-")
            path.write_text("\n".join(json.dumps(row) for row in content[member]) + "\n")
            return path

    monkeypatch.setattr(langtest, "resolve", lambda ref: Asset())
    return content


@pytest.fixture
def texts(files):
    """30 texts of each data set of text generation, one of them twice, one too short."""
    for source, member, column in text_generation._SOURCES:
        long = [
            f"{source} number {n} " + "word " * (PROMPT_WORDS - 3) + f"Next{n}!" for n in range(30)
        ]
        files[member] = [{column: text} for text in [*long, long[0], "too short"]]


def test_prompt_is_the_texts_beginning_and_the_label_its_next_word(texts):
    info, examples = TextGeneration().load(30, seed=0)
    assert info.samples == len(examples) == 30
    assert Counter(e.source for e in examples) == {"xsum": 10, "quac": 10, "multi-lexsum": 10}
    for example in examples:
        words = example.data.split()
        assert len(words) == PROMPT_WORDS
        assert example.label == f"next{words[2]}"


def test_each_text_is_drawn_once(texts):
    info, examples = TextGeneration().load(1000, seed=0)
    assert info.samples == len({e.data for e in examples}) == 90


def test_seed_decides_the_sample(texts):
    first, other = (TextGeneration().load(30, seed=seed)[0] for seed in (0, 1))
    assert first == TextGeneration().load(30, seed=0)[0]
    assert first.data_digest != other.data_digest


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (" Next, he said", "next"),
        ('\n"Don\'t" ...', "don't"),
        ("", ""),
        (" ... and", ""),
        ("5%", "5"),
    ],
)
def test_first_word_is_without_case_and_punctuation(text, word):
    assert first_word(text) == word


def test_next_word_accuracy():
    task = TextGeneration()
    assert task.score(" Over the moon", "over") == 1
    assert task.score("ly over", "over") == 0
    assert task.quality([" a b", " a b", "", "A!"], ["a", "b", "a", "a"]) == 0.5


def test_problems_without_a_single_number_as_answer_are_left_out(files):
    names = ("passage", "question", "answer")
    files[reasoning.PROBLEMS.members[0]] = [dict(zip(names, p, strict=True)) for p in PROBLEMS]
    info, examples = Reasoning().load(1000, seed=0)
    assert info.samples == 4
    assert {e.data: e.label for e in examples} == {
        "Ann has 9 pens and loses 5. How many are left?": 4.0,
        "A car costs $1,050. How much is it?": 1050.0,
        "Tom runs 2.5 miles. How far?": 2.5,
        "A quarter of the cake. What percentage?": 25.0,
    }


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (" 9 - 5 = 4. The answer is 4.", 4),
        ("9 - 5 = 4", 4),
        ("The answer is 4. Q: Then 7 more. The answer is 11.", 4),
        ("Answer: $1,050.50 in all, of 2", 1050.5),
        ("The final ANSWER is: -3", -3),
        ("The answer is four, not 5", 5),
        ("It is .5.", 0.5),
        ("In 2, 3 and 4.", 4),
        ("none", None),
        ("", None),
    ],
)
def test_number_that_a_text_answers(text, number):
    assert answered(text) == number


@given(st.integers(-(10**9), 10**9), st.text("abc .,", max_size=20))
@settings(derandomize=True, deadline=None)
def test_any_whole_number_is_read_back(number, before):
    assert answered(f"{before} so {number:,}.") == number


def test_accuracy_counts_numbers_not_spellings():
    task = Reasoning()
    assert task.score("The answer is 1,050.00", 1050.0) == 1
    assert task.quality(["4", "4.0", "5", "none"], [4.0] * 4) == 0.5


def test_articles_without_text_are_left_out(files):
    files[summarization.ARTICLES.members[0]] = [
        {"document": "Rain fell.\nIt was wet.", "summary": "Rain."},
        {"document": "", "summary": "Nothing."},
    ]
    info, [example] = Summarization().load(10, seed=0)
    assert info.samples == 1
    assert (example.data, example.label) == ("Rain fell. It was wet.", "Rain.")


def test_rouge_of_lins_example():
    """Lin 2004, section 3.1: "police kill the gunman" has ROUGE-L 3/4, "the gunman ..." 1/2."""
    pytest.importorskip("rouge_score")
    reference = "police killed the gunman"
    assert rouge("police kill the gunman", reference)["rougeL"] == 1  # by stems
    assert rouge("police ended the gunman", reference)["rougeL"] == pytest.approx(3 / 4)
    assert rouge("the gunman murdered police", reference)["rougeL"] == pytest.approx(1 / 2)
    assert rouge("the gunman police ended", reference)["rouge1"] == pytest.approx(3 / 4)
    assert rouge("", reference)["rougeL"] == 0


def test_rouge_is_averaged_over_articles():
    pytest.importorskip("rouge_score")
    task = Summarization()
    predictions, labels = ["a b c d", "x"], ["a b c e", "y"]
    assert task.quality(predictions, labels) == pytest.approx((3 / 4 + 0) / 2)
    assert task.also["ROUGE-2"](predictions, labels) == pytest.approx((2 / 3 + 0) / 2)


def test_damaged_line_is_an_error_that_names_it(files):
    files[summarization.ARTICLES.members[0]] = [{"document": "a", "summary": "b"}, {"text": "c"}]
    with pytest.raises(CorruptArchiveError, match=r"test\.jsonl, line 2: KeyError"):
        Summarization().load(2, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "sources"),
    [(TextGeneration(), (334, 333, 333)), (Reasoning(), (1000,)), (Summarization(), (999,))],
)
def test_packaged_data(task, sources):
    info, examples = task.load(1000, seed=0)
    assert info.samples == sum(sources)
    assert sorted(Counter(e.source for e in examples).values()) == sorted(sources)
    assert all(e.data for e in examples)
