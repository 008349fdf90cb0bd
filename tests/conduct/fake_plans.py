"""Plans over modes of the fake framework."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.records import Plan


def plan(modes: Sequence[str], **changes: object) -> Plan:
    """A plan over modes of the fake framework; the first is the baseline."""
    settings = {
        "name": "fake",
        "task": "fake-task",
        "model": "fake-model",
        "setups": [f"fake/{mode}/fp32" for mode in modes],
        "samples": 200,
        "rounds": 4,
        "ratio_width": 0.9,
        "budget_s": 30,
        "hang_timeout_s": 90,
    }
    return Plan.model_validate(settings | changes)
