"""What two modelled energies share cancels in their ratio, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wattmark.quantities import Quantity
from wattmark.rating.distributions import Comparable, Energies
from wattmark.records.common_parts import Parts, difference_sd, normal_z, ratio, widened

A = Parts(own=0.06, scale=0.5, idle=0.08, name="one")


def test_of_one_scale_only_programs_and_the_difference_of_idle_effects_are_left() -> None:
    b = Parts(own=0.08, scale=0.5, idle=0.08, name="one")
    assert difference_sd(A, b) == pytest.approx(0.1)
    leaves_cores_idle = Parts(own=0.08, scale=0.6, idle=0.08 + 0.1, name="one")
    assert difference_sd(A, leaves_cores_idle) == pytest.approx(math.hypot(0.1, 0.1))
    elsewhere = Parts(own=0.08, scale=0.5, idle=0.08, name="another")
    assert difference_sd(A, elsewhere) == pytest.approx(
        math.hypot(0.06, 0.08, 0.5, 0.5, 0.08, 0.08)
    )
    assert difference_sd(Parts(0.3), Parts(0.4)) == pytest.approx(0.5)  # of no scale


def test_a_ratio_has_the_interval_that_the_parts_leave() -> None:
    one, other = Quantity.exact(3.0, "J/query"), Quantity.exact(2e-3, "kJ/query")
    found = ratio(one, other, A, Parts(own=0.08, scale=0.5, idle=0.08, name="one"))
    factor = math.exp(1.959964 * 0.1)
    assert found.bounds() == pytest.approx((1.5 / factor, 1.5, 1.5 * factor))


def test_parts_of_an_interval_that_has_no_logarithm_or_level_are_none() -> None:
    assert Parts.of(Quantity.between(1.0, 0.0, 2.0, "J"), None) is None
    assert Parts.of(Quantity.between(1.0, 0.5, 2.0, "J", level=0.0), None) is None
    assert Parts.of(Quantity.exact(1.0, "J"), None) == Parts(0.0)
    alone = Parts.of(Quantity.between(1.0, 0.5, 2.0, "J"), None)
    assert alone is not None and alone.own == pytest.approx(math.log(2) / normal_z(0.95))


def test_an_interval_grows_in_quadrature_and_keeps_its_value() -> None:
    z = normal_z(0.95)
    wide = widened(Quantity.between(2.0, 2 / math.exp(0.3 * z), 2 * math.exp(0.3 * z), "1"), 0.4)
    assert wide.bounds() == pytest.approx((2 / math.exp(0.5 * z), 2.0, 2 * math.exp(0.5 * z)))
    below_zero = Quantity.between(1.0, -1.0, 2.0, "1")
    assert widened(below_zero, 0.4) == below_zero


def test_stars_draw_the_model_that_ratios_are_made_of() -> None:
    """The spread of drawn ratios is the one of the formula, for every pair."""
    value = np.array([1.0, 1.1, 0.9])
    whole, level = np.full(3, 0.55), np.full(3, 0.95)
    own, idle = np.array([0.10, 0.14, 0.12]), np.array([0.08, 0.02, -0.05])
    z = normal_z(0.95)
    comparable = Comparable(
        value * np.exp(-z * own), value * np.exp(z * own), np.array(["m"] * 3, object), idle
    )
    ends = value * np.exp(-z * whole), value, value * np.exp(z * whole)
    energies = Energies.of(*ends, level, comparable)
    normal = np.random.default_rng(1).standard_normal((40_000, energies.dimensions))
    drawn, _ = energies.drawn(normal)
    assert energies.dimensions == 2 + 3
    for a in range(3):
        for b in range(a):
            parts = [
                Parts.of(
                    Quantity.between(value[i], ends[0][i], ends[2][i], "J"),
                    Quantity.between(value[i], comparable.low[i], comparable.high[i], "J"),
                    idle[i],
                    "m",
                )
                for i in (a, b)
            ]
            assert parts[0] is not None and parts[1] is not None
            apart = np.log(drawn[:, a] / drawn[:, b]).std()
            assert apart == pytest.approx(difference_sd(parts[0], parts[1]), rel=0.02)
    assert np.log(drawn[:, 0]).std() == pytest.approx(0.55, rel=0.02)  # alone it stays as unsure
