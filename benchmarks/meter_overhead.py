"""What measuring costs: a window, and polling, beside CodeCarbon and Zeus where installed.

One process, the kinds of window in turn (interleaved), around a block that does nothing; the median
of each, in wall and CPU time. Polling: CPU time of a process that polls a source at 10 and 100 Hz
and else sleeps. Targets: a window under 200 µs; polling under 0.5 % of one core at 10 Hz, under 1 %
at 100 Hz; beside it, what a thread costs that only sleeps. CodeCarbon runs offline only.
"""

import contextlib
import io
import logging
import statistics
import threading
import time
from collections.abc import Callable, Mapping

import wattmark
from wattmark.contracts import Availability, Sensor
from wattmark.meters.polling import Polled
from wattmark.quantities import Grade

ROUNDS = 200
SLOW_ROUNDS = 5
POLLING_S = 5.0


class Constant:
    """A source of watts that costs nothing to ask."""

    name = "constant"
    grade = Grade.COUNTED

    def probe(self) -> Availability:
        return Availability(True)

    def open(self) -> Mapping[str, Sensor]:
        return {"node": Sensor(0.1, 0.1)}

    def power_w(self) -> Mapping[str, float]:
        return {"node": 100.0}

    def close(self) -> None:
        pass


def ours() -> None:
    with wattmark.measure("block"):
        pass


def cost_us(window: Callable[[], None]) -> tuple[float, float]:
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    window()
    return (time.perf_counter_ns() - wall) / 1e3, (time.process_time_ns() - cpu) / 1e3


def others() -> dict[str, Callable[[], None]]:
    found: dict[str, Callable[[], None]] = {}
    with contextlib.suppress(ImportError):
        from zeus.monitor import ZeusMonitor

        monitor = ZeusMonitor(gpu_indices=[])

        def zeus() -> None:
            monitor.begin_window("block")
            monitor.end_window("block")

        found["ZeusMonitor"] = zeus
    with contextlib.suppress(ImportError):
        from codecarbon import OfflineEmissionsTracker

        def codecarbon() -> None:
            tracker = OfflineEmissionsTracker(
                country_iso_code="FRA", save_to_file=False, log_level="critical"
            )
            tracker.start()
            tracker.stop()

        found["codecarbon"] = codecarbon
    return found


def polling_share(poll_hz: float) -> float:
    meter = Polled(Constant(), poll_period_s=1.0 / poll_hz)
    meter.open(1)
    before = time.process_time()
    time.sleep(POLLING_S)
    share = (time.process_time() - before) / POLLING_S
    meter.close()
    return share


def sleeping_share(poll_hz: float) -> float:
    """The least that a polling thread can cost here: it wakes and does nothing."""
    stopping = False

    def sleep() -> None:
        while not stopping:
            time.sleep(1.0 / poll_hz)

    thread = threading.Thread(target=sleep)
    before = time.process_time()
    thread.start()
    time.sleep(POLLING_S)
    stopping = True
    thread.join()
    return (time.process_time() - before) / POLLING_S


def main() -> None:
    logging.disable(logging.CRITICAL)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        beside = others()
        ours()  # the first window opens the meters
        costs: dict[str, list[tuple[float, float]]] = {"wattmark.measure": []}
        costs |= {name: [] for name in beside}
        for number in range(ROUNDS):
            costs["wattmark.measure"].append(cost_us(ours))
            for name, window in beside.items():
                if name != "codecarbon" or number < SLOW_ROUNDS:
                    costs[name].append(cost_us(window))
    for name, found in costs.items():
        wall_us, cpu_us = (statistics.median(column) for column in zip(*found, strict=True))
        verdict = "" if name != "wattmark.measure" else "ok" if wall_us < 200 else "MISSED"
        print(f"{name:18} window  {wall_us:12.0f} µs wall  {cpu_us:12.0f} µs CPU  {verdict}")
    print(f"a thread that only sleeps, at 100 Hz: {100 * sleeping_share(100.0):.2f} % of a core")
    for poll_hz, target in ((10.0, 0.005), (100.0, 0.01)):
        share = polling_share(poll_hz)
        verdict = "ok" if share < target else "MISSED"
        print(f"polling at {poll_hz:3.0f} Hz: {100 * share:.2f} % of a core  {verdict}")


if __name__ == "__main__":
    main()
