"""Server: queries arrive by chance, at a given mean rate, whether or not the last is answered.

MLPerf Inference's Server: a Poisson process, one sample a query; valid where 99 % of the latencies,
from the scheduled arrival on, are under a bound. At least 662 queries, as for multi-stream.
"""

from __future__ import annotations

from typing import Any

from wattmark.contracts import Pace
from wattmark.records import LoadgenSettings


class Server:
    """Queries are answered in the order of their arrival, or in batches that form as they come."""

    name = "server"
    inline = False
    strict_duration_s = 600.0
    strict_queries = 662

    def lacks(self, wanted: LoadgenSettings) -> str:
        """A rate, or a bound of latency."""
        if wanted.target_qps is None or wanted.target_latency_ms is None:
            return (
                "the server scenario needs a rate and a bound of latency: `--qps 20 "
                "--target-latency 100ms`, or mlperf: {target_qps: 20, target_latency_ms: 100}"
            )
        return ""

    def configure(self, test: Any, wanted: LoadgenSettings, pace: Pace) -> None:
        """Rate and bound."""
        assert wanted.target_qps is not None and wanted.target_latency_ms is not None
        test.server_target_qps = wanted.target_qps
        test.server_target_latency_ns = round(1e6 * wanted.target_latency_ms)
        test.server_target_latency_percentile = 0.99
