"""What Wattmark adds to a query: the single-stream loop around a no-op model.

Side by side: the bare loop that one would write by hand, Wattmark's scenario, a whole round
(scenario, meter readings, contention snapshots) and MLPerf's LoadGen in SingleStream. Targets:
under 15 µs a query, and under 0.5 % of a model that takes 5 ms.
"""

import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from wattmark.machine import contention
from wattmark.meters.modelled.modelled_cpu import ModelledCpu
from wattmark.scenarios.single_stream import SingleStream

QUERIES = 20_000
REPEATS = 7
SPIN_QUERIES = 200
SPIN_NS = 5_000_000
OUTPUT = np.zeros((1, 2), np.float32)

LOADGEN = """
import sys, time
import mlperf_loadgen as lg
done = 0
def issue(samples):
    global done
    done += len(samples)
    lg.QuerySamplesComplete([lg.QuerySampleResponse(s.id, 0, 0) for s in samples])
sut = lg.ConstructSUT(issue, lambda: None)
qsl = lg.ConstructQSL(1024, 1024, lambda i: None, lambda i: None)
settings = lg.TestSettings()
settings.scenario = lg.TestScenario.SingleStream
settings.mode = lg.TestMode.PerformanceOnly
settings.min_duration_ms = 2000
settings.min_query_count = 100
settings.single_stream_expected_latency_ns = 8000
output = lg.LogOutputSettings()
output.outdir = sys.argv[1]
log = lg.LogSettings()
log.log_output = output
log.enable_trace = False
start = time.perf_counter()
lg.StartTestWithLogSettings(sut, qsl, settings, log)
print((time.perf_counter() - start) / done * 1e6)
"""


def no_op(inputs: object) -> np.ndarray:
    return OUTPUT


def spin(inputs: object) -> np.ndarray:
    end = time.perf_counter_ns() + SPIN_NS
    while time.perf_counter_ns() < end:
        pass
    return OUTPUT


def bare(runner, queries: list) -> None:
    for query in queries:
        runner(query)


def whole_round(runner, queries: list) -> None:
    meter = ModelledCpu()
    meter.open(1)
    before, reading = contention.snapshot(), meter.read()
    SingleStream().run(runner, queries)
    meter.energy(reading, meter.read())
    contention.between(before, contention.snapshot())


def per_query_us(loop, runner, queries: list) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        loop(runner, queries)
        times.append((time.perf_counter() - start) / len(queries) * 1e6)
    return statistics.median(times)


def loadgen_us() -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", LOADGEN, folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    queries = [{} for _ in range(QUERIES)]
    scenario = SingleStream().run
    by_hand = per_query_us(bare, no_op, queries)
    rows = {
        "bare loop": by_hand,
        "single-stream": per_query_us(scenario, no_op, queries),
        f"whole round of {QUERIES}": per_query_us(whole_round, no_op, queries),
        "LoadGen SingleStream": loadgen_us(),
    }
    for name, took in rows.items():
        print(f"{name:24} {took:8.2f} µs a query  {took / by_hand:6.1f} x bare loop")
    added = rows[f"whole round of {QUERIES}"] - by_hand
    print(f"Wattmark adds {added:.2f} µs a query (target 15): {'ok' if added < 15 else 'MISSED'}")
    slow = queries[:SPIN_QUERIES]
    share = per_query_us(whole_round, spin, slow) / per_query_us(bare, spin, slow) - 1
    verdict = "ok" if share < 0.005 else "MISSED"
    print(f"on a 5 ms model that is {100 * share:+.3f} % (target 0.5 %): {verdict}")


if __name__ == "__main__":
    main()
