"""Single stream: the next query is issued as soon as the previous one has completed.

MLPerf Inference's SingleStream (Reddi et al., "MLPerf Inference Benchmark", ISCA 2020,
section III): one query of one sample at a time; its figure is the 90th percentile of latency. At
least 64 queries: what early stopping needs for it where one is over (inference rules).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from wattmark.contracts import Inputs, Output, Pace, Runner, Timeline
from wattmark.records import LoadgenSettings


class SingleStream:
    """One query at a time, back to back.

    Between two queries the loop only reads the clock and fills slots of lists that were made
    beforehand. Python's cyclic garbage collector is off during the loop: its pauses come from the
    history of the process, not from the query that they hit. (The worker collects before it reads
    its meters; in a process with a large framework that takes a tenth of a second.)
    """

    name = "single-stream"
    inline = True
    strict_duration_s = 600.0
    strict_queries = 64

    def lacks(self, wanted: LoadgenSettings) -> str:
        """Nothing."""
        return ""

    def configure(self, test: Any, wanted: LoadgenSettings, pace: Pace) -> None:
        """Where LoadGen drives: a latency to plan for that is surely too short."""
        test.single_stream_expected_latency_ns = max(1, int(pace.fastest_s * 5e8))

    def run(self, runner: Runner, queries: Sequence[Inputs]) -> Timeline:
        """Issue every query once and record the time of each.

        Times are nanoseconds of ``time.monotonic_ns``. A query that raises has output None and
        an entry in ``errors`` (index to message); its latency is the time until it failed, and
        the run goes on. MemoryError, KeyboardInterrupt and SystemExit end the run.
        """
        clock = time.monotonic_ns
        count = len(queries)
        started = [0] * count
        ended = [0] * count
        outputs: list[Output | None] = [None] * count
        errors: dict[int, str] = {}

        collecting = gc.isenabled()
        gc.disable()
        try:
            for index, query in enumerate(queries):
                start = clock()
                try:
                    outputs[index] = runner(query)
                except MemoryError:
                    raise  # the process is no longer sound
                except Exception as error:  # noqa: BLE001 - a failed query is a result
                    ended[index] = clock()
                    errors[index] = f"{type(error).__name__}: {error}"
                else:
                    ended[index] = clock()
                started[index] = start
        finally:
            if collecting:
                gc.enable()

        start_ns = np.array(started, dtype=np.int64)
        latency_ns = np.array(ended, dtype=np.int64) - start_ns
        return Timeline(start_ns, latency_ns, outputs, errors)
