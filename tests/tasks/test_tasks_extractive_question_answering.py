from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import CorruptArchiveError
from wattmark.tasks import extractive_question_answering
from wattmark.tasks.extractive_question_answering import (
    ExtractiveQuestionAnswering,
    _parse,
    exact_match,
    held_out,
    locate,
    normalised,
    read_questions,
    token_f1,
)

TASK = ExtractiveQuestionAnswering()
WORDS = st.lists(st.sampled_from(["a", "the", "red", "fox", "42", "x,y"]), max_size=5).map(" ".join)


@pytest.mark.parametrize(
    ("prediction", "answer", "f1"),
    [
        ("The Normans", "normans", 1),
        ("the Duke of Normandy", "Duke William of Normandy!", 6 / 7),
        ("red red fox", "red", 0.5),
        ("William", "Harold", 0),
        ("the", "Harold", 0),
        ("the", "a.", 1),
    ],
)
def test_f1_by_squads_rule(prediction, answer, f1):
    assert token_f1(prediction, answer) == pytest.approx(f1)
    assert exact_match(prediction, answer) == (f1 == 1)


@settings(derandomize=True, deadline=None)
@given(WORDS, WORDS)
def test_f1_is_symmetric_between_0_and_1_and_1_for_the_same_words(said, answer):
    assert 0 <= token_f1(said, answer) == token_f1(answer, said) <= 1
    assert token_f1(said, answer) >= exact_match(said, answer)
    assert (token_f1(said, answer) == 1) == (sorted(normalised(said)) == sorted(normalised(answer)))


def test_an_answer_stands_in_the_passage_as_whole_words_whatever_its_case():
    passage = "In 1864 the Dukes met. 4 dukes left."
    assert locate("4", passage) == (23, 24)
    assert locate("dukes ", passage) == (12, 17)
    assert locate("duke", passage) is None
    assert locate(" ", passage) is None


def test_unanswerable_questions_and_answers_in_other_words_are_left_out():
    rows = [("Who?", "Anna won", "anna"), ("Why?", "unknown to us", "unknown"), ("How?", "x", "y")]
    lines = [json.dumps(dict(zip(("question", "passage", "answer"), r, strict=True))) for r in rows]
    (found,) = _parse(lines, "here")
    assert (found.question, found.answer) == ("Who?", "Anna")


@pytest.mark.parametrize("line", ["{", "[]", '{"question": "Who?"}'])
def test_a_damaged_line_is_named(line):
    with pytest.raises(CorruptArchiveError, match="here, line 1"):
        _parse([line], "here")


def test_passages_that_differ_in_case_or_spaces_fall_on_the_same_side():
    for n in range(50):
        assert held_out(f"Some Text , {n} .") == held_out(f"some  text,\n{n}.")


def test_quality_is_the_mean_of_the_scores():
    predictions, labels = ["the cat", "a dog ran", "fish"], ["cat", "dog", "bird"]
    assert TASK.quality(predictions, labels) == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert TASK.score(*next(zip(predictions, labels, strict=True))) == 1
    assert TASK.predict("The cat") == "The cat"
    assert TASK.also["exact match"](predictions, labels) == pytest.approx(1 / 3)


@pytest.fixture
def small(monkeypatch):
    rows = [
        {"question": f"q{n}", "passage": f"passage {n} ends", "answer": "ends"} for n in range(90)
    ]
    questions = _parse([json.dumps(row) for row in rows], "here")
    monkeypatch.setattr(extractive_question_answering, "read_questions", lambda: questions)


def test_sample_is_held_out_and_drawn_by_the_seed(small):
    info, examples = TASK.load(10, seed=5)
    assert info.samples == len(examples) == len({e.data for e in examples}) == 10
    assert all(held_out(passage) for _, passage in (e.data for e in examples))
    assert TASK.load(10, seed=5) == (info, examples)
    assert TASK.load(10, seed=6)[0].data_digest != info.data_digest


@pytest.mark.slow
def test_packaged_questions():
    questions = read_questions()
    held = [q for q in questions if held_out(q.passage)]
    assert (len(questions), len(held)) == (597, 215)
    assert all(q.answer in q.passage for q in questions)
    info, examples = TASK.load(1000, seed=0)
    assert info.samples == len(examples) == 215 and {e.source for e in examples} == {"disfl-qa"}
