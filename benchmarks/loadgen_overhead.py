"""What our way through LoadGen costs a query, beside LoadGen's bare binding, on a no-op system.

One process, the two in turn (interleaved), medians of several tests each. Single stream: time of a
query. Server: latency at a rate that both sustain. Target: within 10 % of the bare binding.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlperf_loadgen as lg
import numpy as np

from wattmark import registry
from wattmark.contracts import Inputs, Pace
from wattmark.records import LoadgenSettings
from wattmark.scenarios.loadgen_driver import Loadgen

TESTS = 7
QUERIES = 256
SECONDS = 1.0
RATE = 1000.0
SETTINGS = LoadgenSettings(
    min_duration_s=SECONDS, min_queries=1000, target_qps=RATE, target_latency_ms=50
)
PACE = Pace(2e-6, 2e-6, 1)  # so that LoadGen makes enough queries


@dataclass(frozen=True)
class Call:
    """A query of its own."""

    numbers: tuple[int, ...]
    inputs: Inputs


CALLS = [Call((n,), {"x": np.zeros((1, 1))}) for n in range(QUERIES)]
OUTPUT = np.zeros((1, 1))


def ours(scenario: str, folder: Path) -> dict[str, float]:
    def cut(numbers: Sequence[int]) -> list[Call]:
        return [CALLS[n] for n in numbers]

    driven = Loadgen(registry.loadgen_scenario(scenario), SETTINGS, PACE, cut, folder)
    return driven.run(lambda inputs: OUTPUT, 0, QUERIES).test.figures


def bare(scenario: str, folder: Path) -> dict[str, float]:
    """The binding as its examples use it: answered where it is issued, nothing kept."""
    from wattmark.scenarios import loadgen_logs

    def issue(samples: Sequence[Any]) -> None:
        lg.QuerySamplesComplete([lg.QuerySampleResponse(s.id, 0, 0) for s in samples])

    test = lg.TestSettings()
    server = scenario == "server"
    test.scenario = lg.TestScenario.Server if server else lg.TestScenario.SingleStream
    test.mode = lg.TestMode.PerformanceOnly
    test.min_duration_ms, test.min_query_count = round(1e3 * SECONDS), 1000
    registry.loadgen_scenario(scenario).configure(test, SETTINGS, PACE)
    output, logs = lg.LogOutputSettings(), lg.LogSettings()
    output.outdir, output.copy_summary_to_stdout = str(folder), False
    logs.log_output, logs.enable_trace = output, False
    sut = lg.ConstructSUT(issue, lambda: None)
    library = lg.ConstructQSL(QUERIES, QUERIES, lambda _: None, lambda _: None)
    lg.StartTestWithLogSettings(sut, library, test, logs)
    lg.DestroyQSL(library)
    lg.DestroySUT(sut)
    return loadgen_logs.read(folder, scenario, "performance").figures


def medians(scenario: str, key: str, ways: Sequence[Callable[..., Any]]) -> list[float]:
    found: list[list[float]] = [[] for _ in ways]
    for _ in range(TESTS):
        for column, way in zip(found, ways, strict=True):
            with tempfile.TemporaryDirectory() as folder:
                column.append(way(scenario, Path(folder))[key])
            time.sleep(0.05)
    return [statistics.median(column) for column in found]


def main() -> None:
    rate, bare_rate = medians("single-stream", "result_qps_with_loadgen_overhead", (ours, bare))
    own_us, bare_us = 1e6 / rate, 1e6 / bare_rate
    print(f"single stream: ours {own_us:.1f} µs a query, bare {bare_us:.1f} µs", end="")
    print(f" (+{own_us - bare_us:.1f} µs: {100 * (own_us - bare_us) / 10_000:.2f} % of 10 ms)")
    for key in ("50.00", "99.00"):
        name = f"result_{key}_percentile_latency_ns"
        own, other = medians("server", name, (ours, bare))
        print(f"server, {RATE:g}/s, p{key[:2]}: ours {own / 1e3:.0f} µs, bare {other / 1e3:.0f} µs")


if __name__ == "__main__":
    main()
