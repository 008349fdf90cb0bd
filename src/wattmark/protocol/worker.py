"""The child process: one setup, one framework, pinned to its cores, nothing else imported.

Run as ``python -m wattmark.protocol.worker JOB READ_FD WRITE_FD``. It pins itself before any
framework is imported, dies with its parent, and answers over the channel:

* a *prepare* job converts the model and exits; a *reference* job computes the reference's
  outputs and FLOPs and exits;
* a *measure* job loads, checks the conversion, answers, and then blocks until it is told to
  ``warm-up``, to run a ``round``, or to ``quit``.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import re
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wattmark.protocol.channel import Channel
from wattmark.protocol.jobs import Job, Reply

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def peak_rss_bytes() -> int:
    """Largest resident set of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def reason_of(error: BaseException) -> str:
    """Machine-readable code of an error: its class name in snake case, without ``Error``."""
    if isinstance(error, MemoryError):
        return "out_of_memory"
    name = type(error).__name__.removesuffix("Error") or "error"
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _prepare(job: Job) -> dict[str, object]:
    from wattmark import registry
    from wattmark.contracts import Workspace
    from wattmark.protocol.artefacts import build_once, build_seconds, size_bytes
    from wattmark.protocol.inputs import load_inputs

    framework = registry.framework(job.setup.framework)
    calibration = load_inputs(job.calibration)

    def shared(key: str, build: Callable[[Path], None]) -> Path:
        folder = job.shared / key
        build_once(folder, build)
        return folder

    def build(out: Path) -> None:
        model = registry.model(job.model)
        framework.prepare(Workspace(model, job.setup, out, shared, calibration))

    cached = build_once(job.artefact, build)
    return {
        "cached": cached,
        "seconds": build_seconds(job.artefact),
        "bytes": size_bytes(job.artefact),
    }


def _reference(job: Job) -> dict[str, object]:
    from wattmark.protocol.artefacts import build_once
    from wattmark.protocol.reference import write_reference

    return {"cached": build_once(job.reference, lambda folder: write_reference(job, folder))}


class MeasuringWorker:
    """A loaded setup that answers commands."""

    def __init__(self, job: Job) -> None:
        from wattmark import registry
        from wattmark.meters.selection import choose
        from wattmark.protocol.inputs import load_inputs, representatives

        self.job = job
        start = time.monotonic()
        self.queries = load_inputs(job.inputs)
        self.cycle = [self.queries[n] for n in representatives(self.queries)]
        framework = registry.framework(job.setup.framework)
        model = registry.model(job.model)
        self.runner = framework.load(job.artefact, model, job.setup, job.threads)
        self.load_s = time.monotonic() - start
        self.scenario = registry.scenario(job.scenario)
        self.meters = choose(job.meters)
        for meter in self.meters:
            meter.open(len(job.cpus))

    def check(self) -> dict[str, object]:
        """Compare outputs with the reference's; raises ConversionError where they differ."""
        from wattmark.protocol.conversion import compare, require_same_model
        from wattmark.protocol.reference import reference_outputs

        expected = reference_outputs(self.job.reference, self.job.check_queries)
        outputs = [self.runner(self.queries[n]) for n in self.job.check_queries]
        check = compare(outputs, expected, self.job.setup.precision)
        require_same_model(check)
        return check.model_dump(mode="json")

    def warm_up(self) -> dict[str, object]:
        """Run cycles (one query of each shape) until the data say that it is steady."""
        from wattmark.protocol.statistics import is_steady

        start = time.monotonic()
        cycle_s: list[float] = []
        while len(cycle_s) < self.job.warm_up_limit and not is_steady(cycle_s):
            before = time.perf_counter()
            for query in self.cycle:
                self.runner(query)
            cycle_s.append(time.perf_counter() - before)
        return {
            "warm_up_queries": len(cycle_s) * len(self.cycle),
            "warm_up_s": time.monotonic() - start,
            "steady": is_steady(cycle_s),
            "peak_rss_bytes": peak_rss_bytes(),
        }

    def round(self, first: int, last: int, out: str) -> dict[str, object]:
        """Run queries first..last-1 between two readings of every meter."""
        import numpy as np

        from wattmark.protocol import contention

        block = self.queries[first:last]
        gc.collect()  # before the window: the scenario runs with the collector off
        before = contention.snapshot(cpus=self.job.cpus)
        readings = [meter.read() for meter in self.meters]
        start_ns, start_cpu_ns = time.monotonic_ns(), time.process_time_ns()
        timeline = self.scenario.run(self.runner, block)
        end_ns, end_cpu_ns = time.monotonic_ns(), time.process_time_ns()
        ends = [meter.read() for meter in self.meters]
        waited = contention.between(before, contention.snapshot(cpus=self.job.cpus))
        arrays = {"start_ns": timeline.start_ns, "latency_ns": timeline.latency_ns}
        outputs = {f"output-{i}": o for i, o in enumerate(timeline.outputs) if o is not None}
        np.savez(out, allow_pickle=False, **arrays, **outputs)
        return {
            "queries": len(block),
            "errors": {str(i): text for i, text in timeline.errors.items()},
            "start_ns": start_ns,
            "wall_s": (end_ns - start_ns) / 1e9,
            "cpu_s": (end_cpu_ns - start_cpu_ns) / 1e9,
            "run_queue_wait_s": waited.run_queue_wait_s,
            "steal_s": waited.steal_s,
            "others_cpu_s": waited.others_cpu_s,
            "energy": [
                window.model_dump(mode="json")
                for meter, a, b in zip(self.meters, readings, ends, strict=True)
                for window in meter.energy(a, b)
            ],
            "peak_rss_bytes": peak_rss_bytes(),
        }

    def close(self) -> None:
        """Release the meters."""
        for meter in self.meters:
            meter.close()


def _serve(worker: MeasuringWorker, channel: Channel) -> None:
    while (command := channel.receive()) is not None:
        match command:
            case {"do": "warm-up"}:
                data = worker.warm_up()
            case {"do": "round", "first": int(first), "last": int(last), "out": str(out)}:
                data = worker.round(first, last, out)
            case {"do": "quit"}:
                return
            case _:
                raise ValueError(f"unknown command {command}")
        channel.send(Reply(ok=True, data=data).model_dump(mode="json"))


def _work(job: Job, channel: Channel) -> None:
    def answer(data: dict[str, object]) -> None:
        channel.send(Reply(ok=True, data=data).model_dump(mode="json"))

    if job.kind == "prepare":
        answer(_prepare(job))
    elif job.kind == "reference":
        answer(_reference(job))
    else:
        worker = MeasuringWorker(job)
        check = worker.check()
        answer({"load_s": worker.load_s, "check": check, "peak_rss_bytes": peak_rss_bytes()})
        _serve(worker, channel)
        worker.close()


def main(arguments: list[str]) -> int:
    """Do the job named on the command line; returns the exit status."""
    die_with_parent()
    job_path, read_fd, write_fd = arguments
    job = Job.model_validate_json(Path(job_path).read_bytes())
    os.sched_setaffinity(0, job.cpus)
    os.chdir(Path(job_path).parent)  # some converters leave files where they stand
    logging.basicConfig(level=logging.INFO)
    channel = Channel(int(read_fd), int(write_fd))
    try:
        _work(job, channel)
    except Exception as error:  # noqa: BLE001 - whatever it was, the conductor must hear of it
        traceback.print_exc()
        sys.stderr.flush()
        reply: dict[str, Any] = Reply(
            ok=False, error_type=reason_of(error), error=str(error) or repr(error)
        ).model_dump(mode="json")
        channel.send(reply)
        return 1
    return 0


if __name__ == "__main__":
    sys.stdout.flush()
    status = main(sys.argv[1:])
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(status)  # frameworks' exit handlers take seconds and sometimes crash
