"""MLPerf's LoadGen drives a setup: it decides what is asked when, and passes the verdict.

LoadGen (package ``mlcommons-loadgen``) issues queries from threads of its own. A framework answers
on the thread that loaded and warmed it: where a query may be answered where it is issued (single
and multi stream) LoadGen runs on that thread, else on another one, and this thread takes the
queries from a line. Several tests may follow one another in a process.

What cannot be seen from here, the scheduled arrival of a server's queries, is read from LoadGen's
trace, which is deleted then; its other logs are kept.
"""

from __future__ import annotations

import gc
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wattmark.batching.policy import BatchingPolicy
from wattmark.contracts import Inputs, LoadgenScenario, Output, Pace, Timeline
from wattmark.errors import MissingPackageError, PlanError
from wattmark.records import LoadgenSettings, LoadgenTest
from wattmark.scenarios import loadgen_logs
from wattmark.scenarios.waiting_line import Sample, WaitingLine

#: MLPerf Inference's seeds (inference rules, v6.0), so that all ask the same in the same order.
SEEDS = {
    "qsl_rng_seed": 2085463073848966840,
    "sample_index_rng_seed": 2747215439041700203,
    "schedule_rng_seed": 16159082839903944936,
}

#: Of the bound of latency; where queries are issued later than this, the generator is at fault.
SATURATED = 0.1

_SCENARIOS = {
    "single-stream": "SingleStream",
    "multi-stream": "MultiStream",
    "offline": "Offline",
    "server": "Server",
}


class Call(Protocol):
    """Queries that are answered together: their numbers, in the order of the rows of inputs."""

    @property
    def numbers(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def inputs(self) -> Inputs: ...  # noqa: D102


@dataclass(frozen=True)
class Driven:
    """What was called, in order, its times (one a query), and what LoadGen said."""

    calls: list[Any]
    timeline: Timeline
    test: LoadgenTest


@dataclass
class _Record:
    """What happened so far; ``fatal`` ends the test as soon as LoadGen lets it."""

    calls: list[Any] = field(default_factory=list)
    start_ns: list[int] = field(default_factory=list)
    latency_ns: list[int] = field(default_factory=list)
    order: list[int] = field(default_factory=list)  # of each row: the sample it answered, or -1
    sizes: list[int] = field(default_factory=list)  # samples of each call
    call_ns: list[int] = field(default_factory=list)  # how long each call took
    outputs: list[Output | None] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    samples: int = 0
    fatal: BaseException | None = None


class Loadgen:
    """LoadGen in one scenario over some queries.

    ``cut`` makes calls out of the numbers of queries: one each, or batches. ``out`` is an empty
    folder for the logs. Where queries arrive one by one, ``policy`` says when those that wait are
    answered together; only queries of one ``bucket`` are.
    """

    def __init__(
        self,
        scenario: LoadgenScenario,
        settings: LoadgenSettings,
        pace: Pace,
        cut: Callable[[Sequence[int]], Sequence[Call]],
        out: Path,
        policy: BatchingPolicy | None = None,
        bucket: Callable[[int], int] = lambda number: 0,
    ) -> None:
        self._policy = policy
        self._bucket = bucket
        self._scenario = scenario
        self._settings = settings
        self._pace = pace
        self._cut = cut
        self._out = out

    def run(self, answer: Callable[[Inputs], Output], first: int, last: int) -> Driven:
        """One test over the queries ``first`` to ``last - 1``.

        Raises MissingPackageError without LoadGen, PlanError where the scenario lacks a setting,
        and MemoryError or whatever ends the process; a query that fails is recorded.
        """
        if lacking := self._scenario.lacks(self._settings):
            raise PlanError(lacking)
        loadgen = _imported()
        wanted = self._test_settings(loadgen)
        record = _Record()
        line = WaitingLine(self._policy, self._bucket)

        def issue(samples: Sequence[Any]) -> None:
            arrived_ns = time.monotonic_ns()
            asked = [
                Sample(first + sample.index, sample.id, at, arrived_ns)
                for at, sample in enumerate(samples, record.samples)
            ]
            record.samples += len(asked)
            if self._scenario.inline:
                tell(asked)
            else:
                line.put(asked)

        def tell(asked: Sequence[Sample]) -> None:
            self._answer(loadgen, answer, asked, record)

        def test() -> None:
            try:
                loadgen.StartTestWithLogSettings(sut, library, wanted, _log_settings(loadgen, self))
            finally:
                line.end()

        sut = loadgen.ConstructSUT(issue, line.no_more)
        count = last - first
        library = loadgen.ConstructQSL(count, count, lambda _: None, lambda _: None)
        collecting = gc.isenabled()
        gc.disable()  # as in the single-stream loop: its pauses are not the query's
        began_ns = time.monotonic_ns()
        try:
            if self._scenario.inline:
                test()
            else:
                thread = threading.Thread(target=test, name="LoadGen")
                thread.start()
                for asked in line.together():
                    tell(asked)
                thread.join()
        finally:
            if collecting:
                gc.enable()
            loadgen.DestroyQSL(library)
            loadgen.DestroySUT(sut)
        if record.fatal is not None:
            raise record.fatal
        return self._driven(record, (time.monotonic_ns() - began_ns) / 1e9)

    @property
    def out(self) -> Path:
        """Where LoadGen writes its logs."""
        return self._out

    @property
    def traced(self) -> bool:
        """Whether the scheduled arrivals are needed."""
        return self._scenario.name == "server" and self._settings.mode == "performance"

    def _test_settings(self, loadgen: Any) -> Any:
        settings, strict = self._settings, self._settings.strict
        test = loadgen.TestSettings()
        test.scenario = getattr(loadgen.TestScenario, _SCENARIOS[self._scenario.name])
        accuracy = settings.mode == "accuracy"
        modes = loadgen.TestMode
        test.mode = modes.AccuracyOnly if accuracy else modes.PerformanceOnly
        seconds = self._scenario.strict_duration_s if strict else settings.min_duration_s
        test.min_duration_ms = round(1e3 * seconds)
        test.min_query_count = self._scenario.strict_queries if strict else settings.min_queries
        for name, seed in SEEDS.items():
            setattr(test, name, seed)
        self._scenario.configure(test, settings, self._pace)
        return test

    def _answer(
        self,
        loadgen: Any,
        answer: Callable[[Inputs], Output],
        asked: Sequence[Sample],
        record: _Record,
    ) -> None:
        """Answer samples together, call by call, and tell LoadGen of each."""
        waiting: dict[int, list[Sample]] = {}
        for each in asked:
            waiting.setdefault(each.number, []).append(each)
        for call in self._cut([sample.number for sample in asked]) if asked else ():
            called_ns = time.monotonic_ns()
            output = self._called(answer, call, record)
            done_ns = time.monotonic_ns()
            record.call_ns.append(done_ns - called_ns)
            replies, kept, latest_ns = [], [], 0
            for row, number in enumerate(call.numbers):
                # a row that only fills the batch up shares the times of the one before it
                sample = waiting[number].pop(0) if waiting[number] else None
                latest_ns = latest_ns if sample is None else sample.arrived_ns
                record.order.append(-1 if sample is None else sample.at)
                record.start_ns.append(latest_ns)
                record.latency_ns.append(done_ns - latest_ns)
                if sample is not None:
                    data = self._data(output, row)
                    kept.append(data)
                    replies.append(loadgen.QuerySampleResponse(sample.ident, *_buffer(data)))
            record.sizes.append(len(replies))
            loadgen.QuerySamplesComplete(replies)

    def _called(
        self, answer: Callable[[Inputs], Output], call: Call, record: _Record
    ) -> Output | None:
        record.calls.append(call)
        output: Output | None = None
        if record.fatal is None:
            try:
                output = answer(call.inputs)
            except (MemoryError, KeyboardInterrupt, SystemExit) as fatal:
                record.fatal = fatal  # raised once LoadGen, which must not see it, has ended
            except Exception as error:  # noqa: BLE001 - a failed query is a result
                record.errors[len(record.outputs)] = f"{type(error).__name__}: {error}"
        record.outputs.append(output)
        return output

    def _data(self, output: Output | None, row: int) -> NDArray[np.uint8]:
        """A row's bytes for LoadGen's accuracy log; empty where it keeps none."""
        if output is None or self._settings.mode != "accuracy":
            return np.zeros(0, np.uint8)
        return np.frombuffer(np.ascontiguousarray(output[row]).tobytes(), np.uint8)

    def _driven(self, record: _Record, duration_s: float) -> Driven:
        start_ns = np.array(record.start_ns, dtype=np.int64)
        latency_ns = np.array(record.latency_ns, dtype=np.int64)
        lateness_p99_ms = None
        if self.traced:
            late_ns, whole_ns = loadgen_logs.arrivals(self._out, record.samples)
            order = np.array(record.order)
            asked = order >= 0
            start_ns[asked] -= late_ns[order[asked]]
            latency_ns[asked] = whole_ns[order[asked]]
            lateness_p99_ms = float(np.quantile(late_ns, 0.99)) / 1e6
        settings = self._settings
        bound_ms = settings.target_latency_ms
        test = loadgen_logs.read(self._out, self._scenario.name, settings.mode).model_copy(
            update={
                "duration_s": duration_s,
                "samples": record.samples,
                "batch_sizes": dict(sorted(Counter(record.sizes).items())),
                "lateness_p99_ms": lateness_p99_ms,
                "generator_saturated": lateness_p99_ms is not None
                and bound_ms is not None
                and lateness_p99_ms > SATURATED * bound_ms,
                "not_compliant": self._lacking(record.samples, duration_s),
            }
        )
        padding = np.array(record.order) < 0
        calls_ns = np.array(record.call_ns, dtype=np.int64)
        timeline = Timeline(start_ns, latency_ns, record.outputs, record.errors, padding, calls_ns)
        return Driven(record.calls, timeline, test)

    def _lacking(self, samples: int, duration_s: float) -> tuple[str, ...]:
        """What MLPerf's rules would want of a test of performance besides."""
        if self._settings.mode == "accuracy":
            return ()
        least_s, least = self._scenario.strict_duration_s, self._scenario.strict_queries
        multi = self._scenario.name == "multi-stream"
        queries = samples // self._settings.samples_per_query if multi else samples
        lacking = [f"shorter than {least_s:g} s"] if duration_s < least_s else []
        what = "samples" if self._scenario.name == "offline" else "queries"
        lacking += [f"fewer than {least} {what}"] if queries < least else []
        return tuple(lacking)


def _imported() -> Any:
    try:
        import mlperf_loadgen
    except ImportError as error:
        raise MissingPackageError(
            "MLPerf's scenarios need LoadGen: install wattmark[loadgen]"
        ) from error
    return mlperf_loadgen


def _log_settings(loadgen: Any, driver: Loadgen) -> Any:
    output = loadgen.LogOutputSettings()
    output.outdir = str(driver.out)
    output.copy_summary_to_stdout = False
    logs = loadgen.LogSettings()
    logs.log_output = output
    logs.enable_trace = driver.traced
    return logs


def _buffer(data: NDArray[np.uint8]) -> tuple[int, int]:
    """Address and length; LoadGen copies it before QuerySamplesComplete returns."""
    return (data.ctypes.data, data.nbytes) if data.nbytes else (0, 0)
