"""Does our early stopping decide as LoadGen does? Real LoadGen runs, every latency known exactly.

Each run draws a scenario, a percentile, a number of queries near a threshold of the rule and, for
server runs, a target latency that about the allowed share exceeded in the run before; a system
that waits for a random time answers. LoadGen writes each latency that it measured to its trace in
whole nanoseconds; from those we compute the verdict or estimate and compare it with what LoadGen
wrote to its own log: passed or not, queries still missing, queries discarded, estimates in
nanoseconds. A disagreement is printed with its run. Exit status 1 where there is one.

    python benchmarks/loadgen_conformance.py [--runs 10000] [--processes 4] [--seed 0]
"""

import argparse
import json
import math
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from wattmark.statistics import queries_needed, server_verdict, stream_estimate

PERCENTILES = (0.90, 0.95, 0.97, 0.99, 0.999)
SCENARIOS = ("Server", "SingleStream", "MultiStream")
SERVER_QPS = 15_000
#: Share of queries that the system holds up, by up to 0.1 ms.
SLOW_SHARE = 0.005
#: Samples of one multi-stream query.
SAMPLES = 2
SAMPLE = re.compile(rb'"Sample",.*"ph":"b",.*"query_seq":(\d+),.*"complete_ns":(-?\d+)')
LOGGED = re.compile(r':::MLLOG (\{"key": "early_stopping.*)')


def draw(rng: random.Random) -> dict:
    """One run's settings: the number of queries lies around a threshold, on it, or anywhere."""
    percentile = rng.choice(PERCENTILES)
    scenario = rng.choice(SCENARIOS)
    most = 2 if percentile == 0.999 else 12
    threshold = queries_needed(percentile, rng.randint(0, most))
    queries = rng.choice(
        (threshold, threshold - 1, threshold + rng.randint(-20, 20), rng.randint(1, 1200))
    )
    return {
        "scenario": scenario,
        "percentile": percentile,
        "queries": max(1, queries),
        "over_share": rng.uniform(0, 1.2) * (1 - percentile),
    }


def loadgen_runs(count: int, seed: int) -> list[dict]:
    """Run LoadGen in this process; per run its settings, its latencies and its own answers."""
    import mlperf_loadgen as lg

    rng = random.Random(seed)
    wait = random.Random(seed + 1)

    def issue(samples: list) -> None:
        ids = [sample.id for sample in samples]
        slow = wait.random() < SLOW_SHARE
        end = time.perf_counter_ns() + wait.randrange(100_000 if slow else 2_000)
        while time.perf_counter_ns() < end:
            pass
        lg.QuerySamplesComplete([lg.QuerySampleResponse(i, 0, 0) for i in ids])

    system = lg.ConstructSUT(issue, lambda: None)
    library = lg.ConstructQSL(64, 64, lambda indices: None, lambda indices: None)
    runs, server_ns = [], [100_000]
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(count):
            settings = draw(rng)
            # so many were over it in the last server run
            at = max(0, math.ceil(len(server_ns) * (1 - settings["over_share"])) - 1)
            settings["target_ns"] = server_ns[at]
            test = lg.TestSettings()
            test.scenario = getattr(lg.TestScenario, settings["scenario"])
            test.mode = lg.TestMode.PerformanceOnly
            test.min_duration_ms = test.max_duration_ms = 0
            test.min_query_count = test.max_query_count = settings["queries"]
            test.server_target_qps = SERVER_QPS
            test.server_target_latency_ns = settings["target_ns"]
            test.server_target_latency_percentile = settings["percentile"]
            test.single_stream_expected_latency_ns = 1_000
            test.single_stream_target_latency_percentile = settings["percentile"]
            test.multi_stream_expected_latency_ns = 1_000
            test.multi_stream_samples_per_query = SAMPLES
            test.multi_stream_target_latency_percentile = settings["percentile"]
            output = lg.LogOutputSettings()
            output.outdir = folder
            log = lg.LogSettings()
            log.log_output = output
            log.enable_trace = True
            log.log_mode_async_poll_interval_ms = 1
            lg.StartTestWithLogSettings(system, library, test, log)
            runs.append({**settings, **read_logs(Path(folder))})
            if settings["scenario"] == "Server":
                server_ns = sorted(runs[-1]["latencies_ns"])
    return runs


def read_logs(folder: Path) -> dict:
    """Latencies from LoadGen's trace (the slowest sample of each query) and its own answers."""
    slowest: dict[bytes, int] = {}
    for query, ns in SAMPLE.findall((folder / "mlperf_log_trace.json").read_bytes()):
        slowest[query] = max(slowest.get(query, -1), int(ns))
    detail = (folder / "mlperf_log_detail.txt").read_text()
    answers = {
        entry["key"].removeprefix("early_stopping_"): entry["value"]
        for entry in map(json.loads, LOGGED.findall(detail))
    }
    return {"latencies_ns": list(slowest.values()), "loadgen": answers}


def number(pattern: str, text: str) -> int | None:
    """The whole number that LoadGen's sentence has at the group of ``pattern``."""
    found = re.search(pattern, text)
    return int(found[1]) if found else None


def differences(run: dict) -> dict:
    """Name -> (LoadGen's answer, ours), where they differ."""
    said, text = run["loadgen"], run["loadgen"]["result"]
    latencies, percentile = run["latencies_ns"], run["percentile"]
    pairs: dict[str, tuple] = {"queries": (run["queries"], len(latencies))}
    if run["scenario"] == "Server":
        verdict = server_verdict(latencies, run["target_ns"], percentile)
        pairs["passed"] = (said["met"], verdict.passed)
        pairs["more"] = (number(r"at least (\d+) more", text) or 0, verdict.more_queries)
    else:
        estimate = stream_estimate(latencies, percentile)
        pairs["passed"] = (said["met"], estimate.latency_ns is not None)
        pairs["needed"] = (number(r"at least (\d+) queries", text), estimate.queries_needed)
        pairs["discarded"] = (number(r"discard (\d+) highest", text) or 0, estimate.discarded)
        key = "latency_ss" if run["scenario"] == "SingleStream" else "latency_ms"
        pairs[key] = (said[key], estimate.latency_ns or 0)
        if run["scenario"] == "SingleStream" and said["met"]:
            pairs["p99"] = (said["latency_ms"], stream_estimate(latencies, 0.99).latency_ns or 0)
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def work(count: int, seed: int) -> None:
    """A worker: one JSON line a run, without the latencies."""
    for run in loadgen_runs(count, seed):
        key = f"{run['scenario']} p{100 * run['percentile']:g}"
        disagreement = differences(run)
        if disagreement:
            disagreement["latencies_ns"] = run["latencies_ns"]
        print(json.dumps([key, run["loadgen"]["met"], disagreement]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.worker:
        return work(chosen.runs, chosen.seed)

    start = time.perf_counter()
    share, rest = divmod(chosen.runs, chosen.processes)
    workers = [
        subprocess.Popen(
            [
                *(sys.executable, __file__, "--worker"),
                *(f"--runs={share + (i < rest)}", f"--seed={chosen.seed + 1000 * i}"),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(chosen.processes)
    ]
    lines = [line for worker in workers for line in worker.communicate()[0].splitlines()]
    seconds = time.perf_counter() - start
    runs, met, wrong = Counter(), Counter(), 0
    for key, passed, disagreement in map(json.loads, (x for x in lines if x.startswith("["))):
        runs[key] += 1
        met[key] += passed
        if disagreement:
            wrong += 1
            print(key, disagreement)
    for key in sorted(runs):
        print(f"{key:20} {runs[key]:6} runs, LoadGen's rule met in {met[key]:6}")
    print(f"{sum(runs.values())} runs in {seconds:.0f} s: {wrong} disagreements with LoadGen")
    failed = wrong or sum(runs.values()) != chosen.runs or any(w.returncode for w in workers)
    return sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
