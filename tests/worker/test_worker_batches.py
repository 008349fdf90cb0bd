"""Queries answered together, and what a worker hands over of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.conduct.recorder import Samples, answered_by_both
from wattmark.contracts import Timeline
from wattmark.worker.answers import read_answers, write_answers
from wattmark.worker.batches import batches


def queries(lengths: list[int]) -> list[dict[str, np.ndarray]]:
    return [{"ids": np.full((1, length), number)} for number, length in enumerate(lengths)]


def test_a_batch_of_one_keeps_the_order_of_the_queries() -> None:
    cut = batches(queries([4, 8, 4]), range(3), 1)

    assert [batch.numbers for batch in cut] == [(0,), (1,), (2,)]


@settings(derandomize=True, deadline=None)
@given(st.lists(st.sampled_from([4, 8, 16]), min_size=1, max_size=30), st.integers(2, 8))
def test_every_query_is_asked_and_a_batch_has_one_shape(lengths: list[int], size: int) -> None:
    given_queries = queries(lengths)

    cut = batches(given_queries, range(len(lengths)), size)

    assert {n for batch in cut for n in batch.numbers} == set(range(len(lengths)))
    for batch in cut:
        assert len(batch.numbers) == size
        assert batch.inputs["ids"].shape == (size, lengths[batch.numbers[0]])
        assert batch.inputs["ids"][:, 0].tolist() == list(batch.numbers)


def test_an_incomplete_batch_is_filled_with_its_own_queries() -> None:
    (batch,) = batches(queries([4, 4, 4]), range(3), 4)

    assert batch.numbers == (0, 1, 2, 0)


def test_answers_of_a_batch_come_back_row_by_row(tmp_path: Path) -> None:
    block = batches(queries([4, 4, 4]), range(3), 2)
    timeline = Timeline(
        np.array([100, 200]), np.array([10, 20]), [np.array([[0.0], [1.0]]), None], {1: "failed"}
    )
    marks = (np.array([[4, 6], [8, 12]]), np.array([[2, 10], [2, 10]]))

    write_answers(tmp_path / "round.npz", block, timeline, marks)
    answers = read_answers(tmp_path / "round.npz")

    assert answers.query.tolist() == [0, 1, 2, 0]
    assert answers.latency_ns.tolist() == [10, 10, 20, 20]
    assert [o if o is None else o.tolist() for o in answers.outputs] == [
        [[0.0]], [[1.0]], None, None,
    ]  # fmt: skip
    assert answers.phase_ns.tolist() == [[4, 6], [4, 6], [8, 12], [8, 12]]
    assert answers.phase_units.tolist() == [[1, 5]] * 4
    assert answers.batch.tolist() == [0, 0, 1, 1]
    assert answers.batch_ns.tolist() == [10, 10, 20, 20]


def test_a_call_has_its_own_time_where_its_queries_came_at_different_ones(tmp_path: Path) -> None:
    block = batches(queries([4, 4]), range(2), 2)
    timeline = Timeline(
        np.array([100, 160]),
        np.array([100, 40]),
        [np.array([[0.0], [1.0]])],
        padding=np.array([False, False]),
        call_ns=np.array([30]),
    )
    nothing = np.zeros((0, 0), np.int64)

    write_answers(tmp_path / "round.npz", block, timeline, (nothing, nothing))
    answers = read_answers(tmp_path / "round.npz")

    assert answers.latency_ns.tolist() == [100, 40]
    assert (answers.batch.tolist(), answers.batch_ns.tolist()) == ([0, 0], [30, 30])


def samples(numbers: list[int], latencies: list[int], errors: list[str | None]) -> Samples:
    count = len(numbers)
    return Samples(
        query=np.array(numbers, np.int32),
        start_ns=np.zeros(count, np.int64),
        latency_ns=np.array(latencies),
        prediction=[""] * count,
        score=np.zeros(count),
        error=errors,
    )


def test_two_setups_are_paired_by_query_whatever_their_batches() -> None:
    ours = samples([0, 2, 1, 0], [10, 12, 11, 99], [None, None, None, None])
    theirs = samples([0, 1, 2], [20, 21, 22], [None, "failed", None])

    mine, other = answered_by_both(ours, theirs)

    assert mine.tolist() == [10, 12]
    assert other.tolist() == [20, 22]
