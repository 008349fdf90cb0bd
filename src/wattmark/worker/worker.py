"""The *measure* job: a loaded setup that answers queries in measured rounds.

It loads, checks the conversion, answers, and then blocks until it is told to ``warm-up``, to
measure power at ``idle``, to run a ``round``, or to ``quit``.
"""

from __future__ import annotations

import gc
import os
import resource
import time
from pathlib import Path

from wattmark.worker.jobs import Job, answer
from wattmark.worker.messages import Channel


def peak_rss_bytes() -> int:
    """Largest resident set of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class MeasuringWorker:
    """A loaded setup that answers commands."""

    def __init__(self, job: Job) -> None:
        from wattmark import registry
        from wattmark.contracts import Pace
        from wattmark.metering.readings import Readings
        from wattmark.metering.selection import choose
        from wattmark.metering.used_gpus import Charging, Work
        from wattmark.records.domains import is_gpu_device
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
        self.meters = Readings.own(choose(job.meters))
        # the other workers of the run have their devices open too, and wait
        work = Work((os.getpid(),), (os.getppid(),), is_gpu_device(job.setup.device))
        self.charging = Charging(self.meters, work, whole_node=job.whole_node)
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

    def judge(self) -> None:
        """Ask for what held-out texts cost this setup, where the model is judged by that."""
        from wattmark.worker.held_out import continue_losses

        continue_losses(self.job, self.pipeline, self.runners)

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
        know without asking. The power of a meter that fails is missing, with the reason."""
        from wattmark.metering.idle_reading import measure_idle, needs_idle, seconds_needed

        meters = self.meters.whole()  # for the other workers of the run, whatever they use
        if not needs_idle(meters):
            return {"idle": None}
        record = measure_idle(meters, seconds_needed(meters.infos))
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
        self.charging.begin()
        before = contention.snapshot(cpus=self.job.cpus)
        polled_s = self.meters.polling_cpu_s
        opened_ns = time.monotonic_ns()
        readings = self.meters.read()
        start_ns, start_cpu_ns = time.monotonic_ns(), time.process_time_ns()
        asked = block.run(self.phases.answer)
        end_ns, end_cpu_ns = time.monotonic_ns(), time.process_time_ns()
        ends = self.meters.read()
        read_ns = start_ns - opened_ns + time.monotonic_ns() - end_ns + self.phases.reading_ns
        polled_s = self.meters.polling_cpu_s - polled_s
        waited = contention.between(before, contention.snapshot(cpus=self.job.cpus))
        self.charging.end()
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
            "energy": [w.model_dump(mode="json") for w in self.meters.energy(readings, ends)],
            "peak_rss_bytes": peak_rss_bytes(),
        }

    def close(self) -> None:
        """Release the meters."""
        self.meters.close()


def measure(job: Job, channel: Channel) -> None:
    """Load, check the conversion, answer, and obey commands until told to quit."""
    worker = MeasuringWorker(job)
    check = worker.check()
    worker.judge()
    answer(channel, {"load_s": worker.load_s, "check": check, "peak_rss_bytes": peak_rss_bytes()})
    _obey(worker, channel)
    worker.close()


def _obey(worker: MeasuringWorker, channel: Channel) -> None:
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
        answer(channel, data)
