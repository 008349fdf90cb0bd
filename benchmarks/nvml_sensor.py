"""What an NVIDIA GPU's sensor shows of a known load: how often, how late, and what it overlooks.

A process of its own asks NVML a thousand times a second for the energy counter and the three power
readings, while this one loads the first GPU in steps (bfloat16 matrix products, so PyTorch is
needed). Told are the times between two changes of each reading, the counter beside the integrals
of the readings, and what a load in step with a sensor that looks part of the time does to them:
the same square wave, begun at eight phases of 100 ms, uses the same energy each time, so that
whatever differs is the sensor's. `--out FILE.npz` keeps the samples.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACE_S = 0.001
PERIOD_S = 0.1
PHASES = 8
TRIAL_S = 2.0

#: NVML_FI_DEV_POWER_AVERAGE and NVML_FI_DEV_POWER_INSTANT (nvml.h).
AVERAGE, INSTANT = 185, 186
READINGS = ("usage", "average", "instant")


@dataclass(frozen=True)
class Segment:
    """A time in which the load was known, in s of the monotonic clock."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Samples:
    """What NVML showed: times in s, the counter in J, each reading in W, and what a read took."""

    time_s: NDArray[np.float64]
    counter_j: NDArray[np.float64]
    power_w: dict[str, NDArray[np.float64]]
    counter_read_s: NDArray[np.float64]
    fields_read_s: NDArray[np.float64]


def record(path: Path, ready: Event, stop: Event) -> None:
    """Ask until told to stop; a reading that the card does not have is -1."""
    import pynvml

    pynvml.nvmlInit()
    gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
    rows: list[tuple[int, ...]] = []
    next_s = time.monotonic()
    while not stop.is_set():
        asked_ns = time.monotonic_ns()
        counter_mj = pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu)
        counted_ns = time.monotonic_ns()
        usage_mw = pynvml.nvmlDeviceGetPowerUsage(gpu)
        field_ns = time.monotonic_ns()
        fields = pynvml.nvmlDeviceGetFieldValues(gpu, [AVERAGE, INSTANT])
        done_ns = time.monotonic_ns()
        shown_mw = [f.value.uiVal if f.nvmlReturn == 0 else -1 for f in fields]
        costs_ns = (counted_ns - asked_ns, done_ns - field_ns)
        rows.append((counted_ns, counter_mj, usage_mw, *shown_mw, *costs_ns))
        ready.set()
        next_s = max(next_s + PACE_S, time.monotonic())
        time.sleep(max(0.0, next_s - time.monotonic()))
    pynvml.nvmlShutdown()
    np.save(path, np.array(rows, dtype=np.int64))


def samples_of(rows: NDArray[np.int64]) -> Samples:
    watts = {name: rows[:, at] / 1e3 for at, name in enumerate(READINGS, 2)}
    return Samples(rows[:, 0] / 1e9, rows[:, 1] / 1e3, watts, rows[:, 5] / 1e9, rows[:, 6] / 1e9)


def burner() -> Callable[[float], None]:
    """Keeps the GPU busy until a time of the monotonic clock, and not much longer."""
    import torch

    a = torch.randn(4096, 4096, device="cuda", dtype=torch.bfloat16)
    out = torch.empty_like(a)

    def burn(until_s: float) -> None:
        while time.monotonic() < until_s:
            for _ in range(4):
                torch.mm(a, a, out=out)
            torch.cuda.synchronize()

    burn(time.monotonic() + 0.5)
    return burn


def loads(busy: Callable[[float], None]) -> list[Segment]:
    """The known loads, one after another."""
    segments: list[Segment] = []

    def during(name: str, work: Callable[[float], None], seconds: float) -> None:
        start_s = time.monotonic()
        work(start_s + seconds)
        segments.append(Segment(name, start_s, time.monotonic()))

    rest(time.monotonic() + 2.0)
    during("idle", rest, 4.0)
    during("busy", busy, 4.0)
    rest(time.monotonic() + 2.0)
    for _ in range(3):
        during("a second on", busy, 1.0)
        during("a second off", rest, 1.0)
    for on_s in (PERIOD_S / 2, PERIOD_S / 4):
        for phase in range(PHASES):
            rest(time.monotonic() + 0.5)
            begin_s = (time.monotonic() // PERIOD_S + 1 + phase / PHASES) * PERIOD_S
            rest(begin_s)
            name = f"{1e3 * on_s:.0f} of 100 ms, phase {phase}"
            during(name, lambda until_s, on_s=on_s: waves(busy, on_s, until_s), TRIAL_S)
    return segments


def rest(until_s: float) -> None:
    time.sleep(max(0.0, until_s - time.monotonic()))


def waves(busy: Callable[[float], None], on_s: float, until_s: float) -> None:
    begin_s = time.monotonic()
    for number in range(round((until_s - begin_s) / PERIOD_S)):
        busy(begin_s + number * PERIOD_S + on_s)
        rest(begin_s + (number + 1) * PERIOD_S)


def periods_ms(time_s: NDArray[np.float64], shown: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times between changes, in ms."""
    return 1e3 * np.diff(time_s[np.flatnonzero(np.diff(shown)) + 1])


def counted_j(seen: Samples, start_s: float, end_s: float) -> float:
    """What the counter moved by, between readings at the two times."""
    first, last = np.searchsorted(seen.time_s, (start_s, end_s))
    return float(seen.counter_j[last] - seen.counter_j[first])


def integrated_j(seen: Samples, reading: str, start_s: float, end_s: float) -> float:
    first, last = np.searchsorted(seen.time_s, (start_s, end_s))
    watts, times = seen.power_w[reading][first:last], seen.time_s[first : last + 1]
    return float(np.sum(watts * np.diff(times)))


def report(seen: Samples, segments: Sequence[Segment]) -> None:
    steps = np.diff(seen.counter_j)
    print(f"{seen.time_s.size} samples, {1e3 * np.median(np.diff(seen.time_s)):.2f} ms apart")
    print(
        f"a read takes: counter {1e6 * np.median(seen.counter_read_s):.0f} µs, "
        f"two fields {1e6 * np.median(seen.fields_read_s):.0f} µs"
    )
    shown = {"counter": seen.counter_j} | seen.power_w
    for name, values in shown.items():
        gaps = periods_ms(seen.time_s, values)
        if gaps.size:
            low, middle, high = np.percentile(gaps, (5, 50, 95))
            print(f"{name:8} changes every {middle:6.1f} ms (5 to 95 %: {low:.1f} to {high:.1f})")
        else:
            print(f"{name:8} never changes: {values[0]:g}")
    print(f"smallest step of the counter: {1e3 * steps[steps > 0].min():g} mJ")
    print("watts over each load, by counter and by the integral of each reading:")
    print(f"{'load':28} {'counter':>8}", *(f"{name:>8}" for name in READINGS))
    for each in segments:
        seconds = each.end_s - each.start_s
        figures = [counted_j(seen, each.start_s, each.end_s)]
        figures += [integrated_j(seen, name, each.start_s, each.end_s) for name in READINGS]
        print(f"{each.name:28}", *(f"{joules / seconds:8.1f}" for joules in figures))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="keep the samples here (.npz)")
    out: Path | None = parser.parse_args(arguments).out
    context: Any = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    path = Path(f"{out or 'nvml-samples'}.partial.npy")
    recorder = context.Process(target=record, args=(path, ready, stop))
    recorder.start()
    if not ready.wait(30.0):
        raise SystemExit("NVML gave no reading")
    try:
        segments = loads(burner())
    finally:
        time.sleep(1.0)
        stop.set()
        recorder.join()
    rows = np.load(path)
    path.unlink()
    report(samples_of(rows), segments)
    if out is not None:
        spans = np.array([(each.start_s, each.end_s) for each in segments])
        np.savez_compressed(out, rows=rows, spans=spans, names=[each.name for each in segments])


if __name__ == "__main__":
    main()
