from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from wattmark.errors import CorruptArchiveError
from wattmark.tasks import text_classification
from wattmark.tasks.text_classification import (
    CELLS,
    TextClassification,
    _parse,
    held_out,
    read_reviews,
)

TASK = TextClassification()


def write(path: Path, rows: list[tuple[str, int, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label", "source"])
        writer.writerows(rows)
    return path


@pytest.fixture
def small(tmp_path, monkeypatch):
    """80 reviews of each source and label, in place of the package's."""
    rows = [
        (f"{source} {label} number {n}", int(label == "positive"), source)
        for source, label in CELLS
        for n in range(80)
    ]
    path = write(tmp_path / "reviews.csv", rows)
    monkeypatch.setattr(text_classification, "read_reviews", lambda: _parse(path))
    return _parse(path)


def test_copies_count_once_and_contradicting_labels_not_at_all(tmp_path):
    rows = [
        ("good<br /><br />film", 1, "imdb"),
        ("Good  film", 1, "imdb"),
        ("bad film", 0, "imdb"),
        ("so so", 0, "imdb"),
        ("so so", 1, "imdb"),
    ]
    reviews = _parse(write(tmp_path / "reviews.csv", rows))
    assert sorted((r.text, r.label) for r in reviews) == [
        ("bad film", "negative"),
        ("good film", "positive"),
    ]


def test_file_with_other_columns_is_refused(tmp_path):
    (tmp_path / "reviews.csv").write_text("text,score\nx,1\n")
    with pytest.raises(CorruptArchiveError, match="columns text, label, source"):
        _parse(tmp_path / "reviews.csv")


def test_near_copies_fall_on_the_same_side():
    for n in range(50):
        assert held_out(f"Some Text {n}") == held_out(f" some  text\n{n}")


def test_sample_is_balanced_held_out_and_without_repetition(small):
    info, examples = TASK.load(40, seed=0)
    assert info.samples == len(examples) == 40
    assert Counter((e.source, e.label) for e in examples) == dict.fromkeys(CELLS, 10)
    assert all(e.data.startswith(e.source) for e in examples)
    assert all(held_out(e.data) for e in examples)
    assert len({e.data for e in examples}) == 40


@pytest.mark.parametrize("samples", [1, 2, 3, 5])
def test_odd_numbers_of_samples_are_met(small, samples):
    _, examples = TASK.load(samples, seed=0)
    assert len(examples) == samples
    if samples == 2:
        assert len({e.label for e in examples}) == 2
        assert len({e.data.split()[0] for e in examples}) == 2


def test_where_texts_run_out_halves_stay_equal_and_the_number_is_told(small):
    info, examples = TASK.load(1000, seed=0)
    counts = Counter((e.data.split()[0], e.label) for e in examples)
    smallest = min(Counter((r.source, r.label) for r in small if held_out(r.text)).values())
    assert set(counts.values()) == {smallest}
    assert info.samples == 4 * smallest


def test_seed_decides_the_sample_and_its_digest(small):
    first, examples = TASK.load(40, seed=7)
    again, same = TASK.load(40, seed=7)
    other, _ = TASK.load(40, seed=8)
    assert (first, examples) == (again, same)
    assert first.data_digest != other.data_digest


def test_larger_logit_is_the_answer():
    assert TASK.predict(np.array([[0.3, 0.1]])) == "negative"
    assert TASK.predict(np.array([[-0.3, 0.1]])) == "positive"
    assert TASK.score("positive", "positive") == 1
    assert TASK.score("positive", "negative") == 0
    assert TASK.quality(["positive", "negative"], ["positive", "positive"]) == 0.5


@pytest.mark.slow
def test_packaged_reviews():
    reviews = read_reviews()
    held = Counter((r.source, r.label) for r in reviews if held_out(r.text))
    assert len(reviews) > 33_000
    assert all(1000 < count < 3200 for count in held.values())
    info, examples = TASK.load(1000, seed=0)
    assert info.samples == len(examples) == 1000
    assert not any("<br" in e.data for e in examples)
