"""Wattmark: what does an AI model cost to run, and is it worth it?

The public API. Everything is imported when it is first used, so that ``import wattmark`` is
quick and imports no framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattmark.errors import WattmarkError
    from wattmark.metering.repeating import Repeats, measure_repeats
    from wattmark.metering.replay import ReplayMeter
    from wattmark.metering.synthetic import SyntheticMeter
    from wattmark.metering.window import Window, measure, measured
    from wattmark.quantities import Grade, Quantity, Reason
    from wattmark.records import EndpointPlan, EndpointRun, Plan, Result, Run, Setup
    from wattmark.workflows.endpoint_runs import run_endpoint
    from wattmark.workflows.kinds import load, report
    from wattmark.workflows.runs import resume, run
    from wattmark.workflows.sweeping import Sweep, sweep

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
    "wattmark.workflows.endpoint_runs": ("run_endpoint",),
    "wattmark.errors": ("WattmarkError",),
    "wattmark.metering.window": ("Window", "measure", "measured"),
    "wattmark.metering.replay": ("ReplayMeter",),
    "wattmark.metering.synthetic": ("SyntheticMeter",),
    "wattmark.quantities": ("Grade", "Quantity", "Reason"),
    "wattmark.records": ("EndpointPlan", "EndpointRun", "Plan", "Result", "Run", "Setup"),
    "wattmark.metering.repeating": ("Repeats", "measure_repeats"),
    "wattmark.workflows.kinds": ("load", "report"),
    "wattmark.workflows.runs": ("resume", "run"),
    "wattmark.workflows.sweeping": ("Sweep", "sweep"),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'wattmark' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
