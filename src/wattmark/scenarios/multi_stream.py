"""Multi stream: a query of several samples, the next one when all of it is answered.

MLPerf Inference's MultiStream; its figure is the 99th percentile of a query's latency. At least
662 queries: what early stopping needs for the 99th percentile where one is over (inference rules,
and LoadGen's ``mlperf.conf``).
"""

from __future__ import annotations

from typing import Any

from wattmark.contracts import Pace
from wattmark.records import LoadgenSettings


class MultiStream:
    """Eight samples at once, by default."""

    name = "multi-stream"
    inline = True
    strict_duration_s = 600.0
    strict_queries = 662

    def lacks(self, wanted: LoadgenSettings) -> str:
        """Nothing."""
        return ""

    def configure(self, test: Any, wanted: LoadgenSettings, pace: Pace) -> None:
        """Samples a query, and a latency to plan for that is surely too short."""
        calls = -(-wanted.samples_per_query // pace.batch)
        test.multi_stream_samples_per_query = wanted.samples_per_query
        test.multi_stream_expected_latency_ns = max(1, int(calls * pace.fastest_s * 5e8))
