import gc

import numpy as np
import pytest

from wattmark.contracts import Inputs
from wattmark.scenarios.single_stream import SingleStream

QUERIES: list[Inputs] = [{"x": np.array([number])} for number in range(5)]


def double(inputs: Inputs) -> np.ndarray:
    return 2 * inputs["x"]


def test_every_query_is_issued_once_and_in_order():
    timeline = SingleStream().run(double, QUERIES)
    assert [int(output[0]) for output in timeline.outputs] == [0, 2, 4, 6, 8]
    assert timeline.errors == {}


def test_a_query_starts_only_when_the_one_before_has_ended():
    timeline = SingleStream().run(double, QUERIES)
    assert timeline.start_ns.dtype == timeline.latency_ns.dtype == np.int64
    assert np.all(timeline.latency_ns > 0)
    assert np.all(timeline.start_ns[1:] >= (timeline.start_ns + timeline.latency_ns)[:-1])


def test_latency_is_the_time_inside_the_runner(monkeypatch: pytest.MonkeyPatch):
    now = [100]
    monkeypatch.setattr("time.monotonic_ns", lambda: now[0])

    def slow(inputs: Inputs) -> np.ndarray:
        now[0] += 7 * (1 + int(inputs["x"][0]))
        return inputs["x"]

    timeline = SingleStream().run(slow, QUERIES)
    assert timeline.start_ns.tolist() == [100, 107, 121, 142, 170]
    assert timeline.latency_ns.tolist() == [7, 14, 21, 28, 35]


def test_a_failed_query_is_recorded_and_the_run_goes_on():
    def picky(inputs: Inputs) -> np.ndarray:
        if inputs["x"][0] == 2:
            raise ValueError("no twos")
        return inputs["x"]

    timeline = SingleStream().run(picky, QUERIES)
    assert timeline.errors == {2: "ValueError: no twos"}
    assert [output is None for output in timeline.outputs] == [False, False, True, False, False]
    assert timeline.latency_ns[2] > 0


def test_the_garbage_collector_is_off_in_the_loop_and_on_again_after_it():
    seen = []
    SingleStream().run(lambda inputs: seen.append(gc.isenabled()) or inputs["x"], QUERIES)
    assert seen == [False] * 5
    assert gc.isenabled()


def test_an_interrupt_ends_the_run_and_restores_the_garbage_collector():
    def interrupted(inputs: Inputs) -> np.ndarray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SingleStream().run(interrupted, QUERIES)
    assert gc.isenabled()


def test_no_query_gives_an_empty_timeline():
    timeline = SingleStream().run(double, [])
    assert timeline.outputs == [] and len(timeline.start_ns) == len(timeline.latency_ns) == 0
