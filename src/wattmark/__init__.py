"""Wattmark: what does an AI model cost to run, and is it worth it?

The public API. Everything is imported when it is first used, so that ``import wattmark`` is
quick and imports no framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattmark.endpoint_runs import run_endpoint
    from wattmark.errors import WattmarkError
    from wattmark.measuring import Window, measure, measured
    from wattmark.meters.replay import ReplayMeter
    from wattmark.meters.synthetic import SyntheticMeter
    from wattmark.quantities import Grade, Quantity, Reason
    from wattmark.records import EndpointPlan, EndpointRun, Plan, Result, Run, Setup
    from wattmark.repeating import Repeats, measure_repeats
    from wattmark.runs import load, report, resume, run
    from wattmark.sweeping import Sweep, sweep

__all__ = [
    "EndpointPlan",
    "EndpointRun",
    "Grade",
    "Plan",
    "Quantity",
    "Reason",
    "Repeats",
    "ReplayMeter",
    "Result",
    "Run",
    "Setup",
    "Sweep",
    "SyntheticMeter",
    "WattmarkError",
    "Window",
    "load",
    "measure",
    "measure_repeats",
    "measured",
    "report",
    "resume",
    "run",
    "run_endpoint",
    "sweep",
]

_HOMES = {
    "wattmark.endpoint_runs": ("run_endpoint",),
    "wattmark.errors": ("WattmarkError",),
    "wattmark.measuring": ("Window", "measure", "measured"),
    "wattmark.meters.replay": ("ReplayMeter",),
    "wattmark.meters.synthetic": ("SyntheticMeter",),
    "wattmark.quantities": ("Grade", "Quantity", "Reason"),
    "wattmark.records": ("EndpointPlan", "EndpointRun", "Plan", "Result", "Run", "Setup"),
    "wattmark.repeating": ("Repeats", "measure_repeats"),
    "wattmark.runs": ("load", "report", "resume", "run"),
    "wattmark.sweeping": ("Sweep", "sweep"),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'wattmark' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
