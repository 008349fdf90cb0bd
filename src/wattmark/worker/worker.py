"""The child process: one setup, one framework, pinned to its cores, nothing else imported.

Run as ``python -m wattmark.worker.worker JOB READ_FD WRITE_FD``. It pins itself before any
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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wattmark.contracts import Inputs
from wattmark.worker.jobs import Job, Reply
from wattmark.worker.messages import Channel

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
    from wattmark.contracts import Network, Workspace
    from wattmark.worker.artefacts import build_once, build_seconds, size_bytes
    from wattmark.worker.quantisation_inputs import calibration_inputs

    framework = registry.framework(job.setup.framework)

    def build_network(network: Network, out: Path, calibration: Sequence[Inputs]) -> None:
        def shared(key: str, build: Callable[[Path], None]) -> Path:
            folder = job.shared / f"{network.name}-b{job.setup.batch}" / key
            build_once(folder, build)
            return folder

        out.mkdir()
        framework.prepare(Workspace(network, job.setup, out, shared, calibration, job.model))

    def build(out: Path) -> None:
        model = registry.model(job.model, job.task)
        calibration = calibration_inputs(job, model)
        for network in model.networks():
            widened = network.with_batch(job.setup.batch)
            build_network(widened, out / network.name, calibration.get(network.name, ()))

    cached = build_once(job.artefact, build)
    return {
        "cached": cached,
        "seconds": build_seconds(job.artefact),
        "bytes": size_bytes(job.artefact),
    }


def _reference(job: Job) -> dict[str, object]:
    from wattmark.worker.artefacts import build_once
    from wattmark.worker.reference_facts import write_reference

    return {"cached": build_once(job.reference, lambda folder: write_reference(job, folder))}


class MeasuringWorker:
    """A loaded setup that answers commands."""

    def __init__(self, job: Job) -> None:
        from wattmark import registry
        from wattmark.contracts import Pace
        from wattmark.metering.opened import OpenMeter
        from wattmark.metering.selection import choose
        from wattmark.worker.batches import batches
        from wattmark.worker.inputs import load_inputs, representatives
        from wattmark.worker.phases import PhaseClock, unmarked

        self.job = job
        start = time.monotonic()
        self.queries = load_inputs(job.inputs)
        framework = registry.framework(job.setup.framework)
        model = registry.model(job.model, job.task)
        self.runners = {
            network.name: framework.load(
                job.artefact / network.name,
                network.with_batch(job.setup.batch),
                job.setup,
                job.threads,
            )
            for network in model.networks()
        }
        self.load_s = time.monotonic() - start
        self.pipeline = model.pipeline(dict(job.setup.options))
        cycle = batches(self.queries, representatives(self.queries), job.setup.batch)
        self.cycle = [batch.inputs for batch in cycle]
        self.answer = unmarked(self.pipeline, self.runners)
        self.pace = Pace(0.0, 0.0, job.setup.batch)  # until the warm-up has told
        self.opened = [OpenMeter(meter.name, meter) for meter in choose(job.meters)]
        self.meters = [opened.meter for opened in self.opened]
        self.phases = PhaseClock(self.pipeline, self.runners, self.meters)

    def check(self) -> dict[str, object]:
        """Compare outputs with the reference's; raises ConversionError where they differ."""
        from wattmark.worker.batches import joined
        from wattmark.worker.conversion import compare, require_same_model
        from wattmark.worker.reference_facts import reference_outputs

        expected = reference_outputs(self.job.reference, self.job.check_queries)
        outputs = []
        for number in self.job.check_queries:
            batch = joined(self.queries, [number] * self.job.setup.batch)
            outputs.append(self.pipeline.probe(self.runners, batch.inputs)[:1])
        check = compare(outputs, expected, self.job.setup.precision)
        require_same_model(check)
        return check.model_dump(mode="json")

    def warm_up(self) -> dict[str, object]:
        """Run cycles (one query of each shape) until the data say that it is steady.

        A limit of cycles and one of time end it for a worker that does not become so; it says so.
        """
        import numpy as np

        from wattmark.contracts import Pace
        from wattmark.statistics import is_steady

        start = time.monotonic()
        cycle_s: list[float] = []
        latest = start + self.job.warm_up_limit_s
        while len(cycle_s) < self.job.warm_up_limit and not is_steady(cycle_s):
            if cycle_s and time.monotonic() > latest:
                break
            before = time.perf_counter()
            for inputs in self.cycle:
                self.answer(inputs)
            cycle_s.append(time.perf_counter() - before)
        calls_s = np.array(cycle_s) / len(self.cycle)
        self.pace = Pace(float(calls_s.min()), float(np.median(calls_s)), self.job.setup.batch)
        return {
            "warm_up_queries": len(cycle_s) * len(self.cycle) * self.job.setup.batch,
            "warm_up_s": time.monotonic() - start,
            "steady": is_steady(cycle_s),
            "peak_rss_bytes": peak_rss_bytes(),
        }

    def idle(self) -> dict[str, object]:
        """What the devices draw while every worker waits, this one too; None where the meters
        know without asking."""
        from wattmark.metering.idle_reading import measure_idle, needs_idle, seconds_needed

        if not needs_idle(self.meters):
            return {"idle": None}
        record = measure_idle(self.meters, seconds_needed([opened.info for opened in self.opened]))
        return {"idle": record.model_dump(mode="json")}

    def round(self, first: int, last: int, out: str, logs: str) -> dict[str, object]:
        """Run queries first..last-1 between two readings of every meter.

        A meter that fails gives a missing figure; the round goes on. ``out`` gets the answers,
        ``logs`` is a folder for what LoadGen writes.
        """
        from wattmark.machine import contention
        from wattmark.worker.answers import write_answers
        from wattmark.worker.driving import ready

        block = ready(self.job, self.queries, (first, last), self.pace, Path(logs))
        self.phases.reset()
        gc.collect()  # before the window: the scenario runs with the collector off
        before = contention.snapshot(cpus=self.job.cpus)
        polled_s = sum(opened.polling_cpu_s for opened in self.opened)
        opened_ns = time.monotonic_ns()
        readings = [opened.read() for opened in self.opened]
        start_ns, start_cpu_ns = time.monotonic_ns(), time.process_time_ns()
        asked = block.run(self.phases.answer)
        end_ns, end_cpu_ns = time.monotonic_ns(), time.process_time_ns()
        ends = [opened.read() for opened in self.opened]
        read_ns = start_ns - opened_ns + time.monotonic_ns() - end_ns + self.phases.reading_ns
        polled_s = sum(opened.polling_cpu_s for opened in self.opened) - polled_s
        waited = contention.between(before, contention.snapshot(cpus=self.job.cpus))
        rows = write_answers(out, asked.calls, asked.timeline, self.phases.per_query())
        return {
            "queries": sum(map(len, rows)),
            "errors": {
                str(row): text for at, text in asked.timeline.errors.items() for row in rows[at]
            },
            "loadgen": asked.loadgen and asked.loadgen.model_dump(mode="json"),
            "phases": [window.model_dump(mode="json") for window in self.phases.windows()],
            "start_ns": start_ns,
            "wall_s": (end_ns - start_ns) / 1e9,
            "cpu_s": (end_cpu_ns - start_cpu_ns) / 1e9,
            "run_queue_wait_s": waited.run_queue_wait_s,
            "steal_s": waited.steal_s,
            "others_cpu_s": waited.others_cpu_s,
            "pressure_s": waited.pressure_s,
            "instruments_s": read_ns / 1e9 + polled_s,
            "energy": [
                window.model_dump(mode="json")
                for opened, a, b in zip(self.opened, readings, ends, strict=True)
                for window in opened.energy(a, b)
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
            case {"do": "idle"}:
                data = worker.idle()
            case {"do": "round", "first": int(first), "last": int(last), **paths}:
                data = worker.round(first, last, str(paths["out"]), str(paths["logs"]))
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
