"""What an artefact answered in an earlier run stands in for queries that a short run left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import wattmark
from wattmark.records import Plan, Setup
from wattmark.results.known_answers import KnownAnswers
from wattmark.worker.inputs import query_digest

SETUP = Setup(framework="fake", mode="right")
QUERIES = [{"x": np.full((1, 2), n, np.float32)} for n in range(3)]
DIGESTS = [query_digest(query) for query in QUERIES]
LABELS = ["0", "1", "2"]


class Exactly:
    def score(self, prediction, label):
        return float(prediction == label)


def completed(known: KnownAnswers, timed, labels=LABELS):
    return known.completed(timed, DIGESTS, labels, Exactly())


def test_answers_of_an_earlier_run_fill_gaps_and_never_replace_what_was_timed(tmp_path: Path):
    known = KnownAnswers(tmp_path, "artefact", SETUP)
    known.remember({0: "0", 1: "1"}, DIGESTS)

    assert completed(known, {0: ("9", 0.0)}) == {0: ("9", 0.0), 1: ("1", 1.0)}


def test_answers_are_scored_again_with_the_labels_of_today(tmp_path: Path):
    known = KnownAnswers(tmp_path, "artefact", SETUP)
    known.remember({1: "1"}, DIGESTS)

    assert completed(known, {}, ["0", "one", "2"]) == {1: ("1", 0.0)}


@pytest.mark.parametrize(
    ("artefact", "setup"), [("another", SETUP), ("artefact", SETUP.with_options(tokens="8"))]
)
def test_another_artefact_or_other_options_know_nothing_of_them(tmp_path, artefact, setup):
    KnownAnswers(tmp_path, "artefact", SETUP).remember({0: "0"}, DIGESTS)

    assert completed(KnownAnswers(tmp_path, artefact, setup), {}) == {}


def test_answers_are_found_by_the_querys_arrays_wherever_it_stands(tmp_path: Path):
    known = KnownAnswers(tmp_path, "artefact", SETUP)
    known.remember({2: "2"}, DIGESTS)

    assert known.completed({}, DIGESTS[::-1], LABELS[::-1], Exactly()) == {0: ("2", 1.0)}
    assert query_digest(QUERIES[0]) != query_digest({"x": QUERIES[0]["x"].astype(np.float64)})


def test_a_damaged_file_is_as_none_and_is_written_anew(tmp_path: Path):
    known = KnownAnswers(tmp_path, "artefact", SETUP)
    known.remember({0: "0"}, DIGESTS)
    (file,) = (tmp_path / "answers").glob("*.json")
    file.write_text("{")

    assert completed(known, {}) == {}
    known.remember({1: "1"}, DIGESTS)
    assert completed(known, {}) == {1: ("1", 1.0)}


@pytest.mark.slow
@pytest.mark.usefixtures("fake_plugin")
def test_a_run_that_ends_early_has_the_quality_of_the_whole_sample_and_says_so():
    settings = {
        "name": "known", "task": "fake-task", "model": "fake-model", "samples": 120, "rounds": 12,
        "setups": ["fake/right/fp32/steps=2"], "executions": 1, "seed": 5,
    }  # fmt: skip
    whole = wattmark.run(Plan.model_validate(settings | {"budget_s": 60})).results[0]
    short = wattmark.run(Plan.model_validate(settings | {"budget_s": 1e-6})).results[0]

    assert whole.quality is not None and short.quality is not None
    assert (whole.quality.queries, whole.quality.reused) == (120, 0)
    assert (short.queries, short.quality.queries, short.quality.reused) == (30, 120, 90)
    assert short.quality.value == whole.quality.value
