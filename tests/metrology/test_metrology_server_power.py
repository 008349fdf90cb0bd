"""Watts of whole servers by generation: what is derived of published results, and its widths."""

from __future__ import annotations

import math

import pytest

from wattmark.errors import MeterError
from wattmark.metrology.cpu_power import DEFAULT_MODEL, PROGRAM_SPREAD, modelled_energy
from wattmark.metrology.server_power import (
    LEVEL,
    VECTOR_UPLIFT,
    Figures,
    Server,
    figures,
    package_model,
    server_model,
)


def servers(*full_w: float, generation: str = "a", idle: float = 0.2) -> list[Server]:
    return [Server(generation, 100, idle * w, 0.6 * w, w) for w in full_w]


ALIKE = servers(*[200.0] * 9)


def test_servers_that_are_all_alike_leave_programs_and_vector_code() -> None:
    found = figures(ALIKE)
    assert found.generations["a"].thread_w == 2.0
    assert found.generations["a"].idle_share == pytest.approx(0.2)
    assert found.busy[0] == pytest.approx(1 - PROGRAM_SPREAD, abs=0.015)
    assert VECTOR_UPLIFT * 0.98 < found.busy[1] < VECTOR_UPLIFT * (1 + PROGRAM_SPREAD)
    assert found.idle == pytest.approx((1.0, 1.0))


def test_each_server_is_judged_by_the_others_of_its_generation() -> None:
    apart = figures(servers(*[200.0] * 8, 400.0) + servers(*[50.0] * 9, generation="b"))
    assert apart.generations["b"].thread_w == 0.5
    # one of 18 at twice the median of the others: the upper end holds it, the lower is as before
    assert apart.busy[1] > 2.0
    assert apart.busy[0] == pytest.approx(figures(ALIKE).busy[0], abs=0.02)


def test_few_servers_are_no_generation() -> None:
    assert set(figures(ALIKE + servers(100.0, generation="b")).generations) == {"a"}
    with pytest.raises(MeterError, match="no generation has 8 servers"):
        figures(servers(1.0, 2.0))


def test_a_document_holds_what_is_needed() -> None:
    found = figures(ALIKE)
    again = Figures.of(found.to_json())
    assert again.model("a").busy_w.bounds() == pytest.approx(
        found.model("a").busy_w.bounds(), rel=1e-3
    )
    with pytest.raises(MeterError, match="generation 'c'"):
        again.model("c")


def test_the_energy_of_a_share_at_the_wall() -> None:
    """2 W a thread at full load, a fifth of it at idle; 3 CPU s within 2 s on 4 threads."""
    model = server_model(2.0, 0.2, (0.75, 1.9), (0.7, 1.8))
    gross, dynamic = modelled_energy(3.0, 2.0, 4, model)
    assert gross.bounds()[1] == pytest.approx(0.4 * 8 + 1.6 * 3)
    assert dynamic.bounds()[1] == pytest.approx(1.6 * 3)
    assert gross.level == pytest.approx(2 * LEVEL - 1) == pytest.approx(0.95)
    assert server_model(2.0, 0.7, (0.75, 1.9), (0.7, 1.8)).idle_share.bounds()[2] == 1.0


def test_a_package_is_part_of_its_server_and_less_sure() -> None:
    node = server_model(2.0, 0.2, (0.75, 1.9), (0.7, 1.8))
    low, value, high = package_model(node).busy_w.bounds()
    assert value == pytest.approx(1.4)
    assert low == pytest.approx(1.4 * math.exp(-math.hypot(math.log(1 / 0.75), math.log(1.4))))
    assert 1.9 / 0.75 < high / low < 4  # any processor at all: x 11.5
    _, any_w, most_w = DEFAULT_MODEL.busy_w.bounds()
    assert high < most_w and value < any_w
