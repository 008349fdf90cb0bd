"""The real LoadGen drives a system that does nothing, in all four scenarios."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from wattmark import registry
from wattmark.batching.policy import parse_policy
from wattmark.contracts import Inputs, Pace
from wattmark.errors import InputError, LoadgenError
from wattmark.records import LoadgenSettings
from wattmark.scenarios import loadgen_logs
from wattmark.scenarios.loadgen_driver import Driven, Loadgen

SCENARIOS = ("single-stream", "multi-stream", "offline", "server")
QUERIES = 20
SHORT = LoadgenSettings(min_duration_s=0.05, min_queries=70, target_qps=500, target_latency_ms=50)


@dataclass(frozen=True)
class One:
    """A call of one query, whose input is its number."""

    numbers: tuple[int, ...]

    @property
    def inputs(self) -> Inputs:
        return {"x": np.array([self.numbers], np.int64)}


def ones(numbers):
    return [One((n,)) for n in numbers]


def doubled(inputs: Inputs):
    return 2 * inputs["x"]


@pytest.fixture
def drive(tmp_path):
    """Drive queries 0 to 19 in a scenario; ``again`` may be called for further tests."""
    count = 0

    def run(
        scenario: str, answer=doubled, cut=ones, batch=1, policy=None, bucket=lambda _: 0, **changes
    ) -> Driven:
        nonlocal count
        count += 1
        folder = tmp_path / str(count)
        folder.mkdir()
        settings = SHORT.model_copy(update=changes)
        pace = Pace(2e-4, 2e-4, batch)
        loadgen = Loadgen(
            registry.loadgen_scenario(scenario), settings, pace, cut, folder, policy, bucket
        )
        run.folder = folder
        return loadgen.run(answer, 0, QUERIES)

    return run


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_sample_is_answered_and_timed_and_the_logs_are_kept(drive, scenario):
    done = drive(scenario)

    assert done.test.samples == len(done.calls) == len(done.timeline.latency_ns) >= 70
    assert (done.timeline.latency_ns > 0).all()
    for call, output in zip(done.calls, done.timeline.outputs, strict=True):
        assert output.item() == 2 * call.numbers[0]
    assert {log.path for log in done.test.logs} >= {loadgen_logs.DETAIL, "mlperf_log_summary.txt"}
    assert not (drive.folder / loadgen_logs.TRACE).exists() or scenario != "server"
    assert done.test.valid is not None
    assert done.test.not_compliant[0] == "shorter than 600 s"


def test_the_latency_of_a_server_counts_from_the_scheduled_arrival(drive):
    done = drive("server")

    assert done.timeline.latency_ns.max() == done.test.figures["result_max_latency_ns"]
    assert done.timeline.latency_ns.min() == done.test.figures["result_min_latency_ns"]
    assert done.test.lateness_p99_ms > 0


def test_an_accuracy_test_asks_every_query_once_and_logs_the_answers(drive):
    done = drive("single-stream", mode="accuracy")

    assert Counter(call.numbers[0] for call in done.calls) == Counter(range(QUERIES))
    assert done.test.valid is None and done.test.not_compliant == ()
    logged = json.loads((drive.folder / "mlperf_log_accuracy.json").read_text())
    answers = {
        entry["qsl_idx"]: np.frombuffer(bytes.fromhex(entry["data"]), np.int64) for entry in logged
    }
    assert {number: answer.item() for number, answer in answers.items()} == {
        number: 2 * number for number in range(QUERIES)
    }


def test_the_samples_of_a_query_are_answered_in_batches(drive):
    def pairs(numbers):
        filled = [*numbers, numbers[0]] if len(numbers) % 2 else list(numbers)
        return [One(tuple(filled[i : i + 2])) for i in range(0, len(filled), 2)]

    def rows(inputs: Inputs):
        return inputs["x"].reshape(2, 1)

    done = drive("multi-stream", rows, pairs, batch=2, samples_per_query=5)

    queries = done.test.samples / 5
    assert len(done.calls) == 3 * queries
    assert len(done.timeline.latency_ns) == 6 * queries
    assert done.timeline.padding.sum() == queries  # one row in six fills a batch up


def test_a_query_that_fails_is_recorded_and_the_test_goes_on(drive):
    def fails(inputs: Inputs):
        if inputs["x"].item() == 7:
            raise ValueError("seven")
        return inputs["x"]

    done = drive("offline", fails)

    failed = [at for at, call in enumerate(done.calls) if call.numbers == (7,)]
    assert sorted(done.timeline.errors) == failed
    assert set(done.timeline.errors.values()) == {"ValueError: seven"}


@pytest.mark.parametrize("scenario", ["single-stream", "server"])
def test_what_ends_the_process_is_raised_once_loadgen_has_ended(drive, scenario):
    def exhausted(inputs: Inputs):
        raise MemoryError("full")

    with pytest.raises(MemoryError, match="full"):
        drive(scenario, exhausted)
    assert drive(scenario).test.samples >= 70  # a further test is possible


@pytest.mark.parametrize("lacking", ["target_qps", "target_latency_ms"])
def test_a_server_that_lacks_something_is_refused(drive, lacking):
    with pytest.raises(InputError, match="needs a rate and a bound"):
        drive("server", **{lacking: None})


def fours(numbers):
    filled = (list(numbers) * 4)[: 4 * -(-len(numbers) // 4)]
    return [One(tuple(filled[i : i + 4])) for i in range(0, len(filled), 4)]


def rows_of_four(inputs: Inputs):
    return inputs["x"].reshape(4, 1)


@pytest.mark.parametrize("policy", ["static:batch=4", "dynamic:max_batch=4,max_wait_ms=1,sizes=4"])
def test_queries_of_a_server_are_answered_in_batches_that_form_as_they_come(drive, policy):
    done = drive("server", rows_of_four, fours, batch=4, policy=parse_policy(policy))

    sizes = done.test.batch_sizes
    assert sum(size * count for size, count in sizes.items()) == done.test.samples >= 70
    assert sum(sizes.values()) == len(done.calls)
    if policy.startswith("static"):  # only what is left at the end is not full
        assert sum(count for size, count in sizes.items() if size < 4) <= 1
    assert done.timeline.latency_ns.max() == done.test.figures["result_max_latency_ns"]


def test_queries_of_two_kinds_are_not_answered_together(drive):
    policy = parse_policy("dynamic:max_batch=4,max_wait_ms=20,buckets=1/2,sizes=4")
    done = drive(
        "server", rows_of_four, fours, batch=4, policy=policy, bucket=lambda number: 1 + number % 2
    )
    assert all(len({number % 2 for number in call.numbers}) == 1 for call in done.calls)
    assert max(done.test.batch_sizes) > 1


def test_a_folder_without_its_log_is_told(tmp_path):
    with pytest.raises(LoadgenError, match="no detail log"):
        loadgen_logs.read(tmp_path, "server", "performance")
    (tmp_path / loadgen_logs.DETAIL).write_text("nothing")
    with pytest.raises(LoadgenError, match="no detail log of LoadGen"):
        loadgen_logs.read(tmp_path, "server", "performance")
