"""Devices of one machine wear for one time: however many, the level is that of the time."""

from __future__ import annotations

import pytest

from wattmark.impact import Use, assess
from wattmark.impact.site import OwnDevice, Site
from wattmark.quantities import Quantity
from wattmark.workflows.placing import place


def embodied(devices: int) -> Quantity:
    time = Quantity.between(1.0, 0.9, 1.1, "s/query", level=0.95)
    use = Use("a use", Quantity.exact(1.0, "J/query"), time, "query")
    own = [OwnDevice(name=f"d{n}", carbon_kg=100, lifetime_years=4) for n in range(devices)]
    site = Site(devices=tuple(own))
    return assess(use, place(site)[0]).line("carbon_embodied").quantity


@pytest.mark.parametrize("devices", [2, 3, 8])
def test_a_sum_over_devices_keeps_the_level_of_the_time(devices: int) -> None:
    one, all_ = embodied(1), embodied(devices)
    assert one.level == all_.level == 0.95
    assert all_.bounds() == pytest.approx([devices * end for end in one.bounds()])
