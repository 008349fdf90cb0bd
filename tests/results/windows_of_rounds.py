"""Rounds of which only the energy matters."""

from __future__ import annotations

from wattmark.records import EnergyWindow, Round, SampleFile


def a_round(*windows: EnergyWindow, index: int = 0, queries: int = 1) -> Round:
    return Round(
        trial="t",
        execution=0,
        index=index,
        queries=queries,
        start_ns=0,
        wall_s=1.0,
        cpu_s=1.0,
        run_queue_wait_s=None,
        steal_s=None,
        energy=windows,
        samples=SampleFile(path="x", sha256="", queries=queries),
    )
