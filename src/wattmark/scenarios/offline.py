"""Offline: all samples at once, in one query; its figure is the throughput.

MLPerf Inference's Offline: at least 24 576 samples (inference rules).
"""

from __future__ import annotations

from typing import Any

from wattmark.contracts import Pace
from wattmark.records import LoadgenSettings


class Offline:
    """As many samples as fill the time at the pace of the warm-up."""

    name = "offline"
    inline = False
    strict_duration_s = 600.0
    strict_queries = 24_576

    def lacks(self, wanted: LoadgenSettings) -> str:
        """Nothing."""
        return ""

    def configure(self, test: Any, wanted: LoadgenSettings, pace: Pace) -> None:
        """The rate from which LoadGen makes the number of samples, and adds a tenth."""
        test.offline_expected_qps = max(1e-3, pace.batch / pace.mean_s)
