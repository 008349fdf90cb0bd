"""A setup on a device that no meter covers: its energy is missing, and so is the whole."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rounds_with_samples import ratios_of_baseline
from windows_of_rounds import a_round

from wattmark.metrology.counters import window_without_idle
from wattmark.metrology.cpu_power import DEFAULT_MODEL
from wattmark.metrology.cpu_windows import cpu_reading, cpu_window
from wattmark.metrology.server_power import server_model
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import EnergyWindow, MeterReading, PhaseWindow, Setup, Trial
from wattmark.records.domains import covers, domain_of, total
from wattmark.results.energy_results import energies
from wattmark.results.idle_powers import IdlePowers
from wattmark.results.measurement import Measured, with_device
from wattmark.results.phase_results import phases


def modelled() -> EnergyWindow:
    return cpu_window(
        "modelled-cpu", cpu_reading(0, 0.0), cpu_reading(10**9, 1.5), 2, DEFAULT_MODEL
    )


def counted(domain: str) -> EnergyWindow:
    gross = Quantity.between(50.0, 45.0, 55.0, "J", grade=Grade.COUNTED)
    nothing = MeterReading(time_ns=0, values={})
    return window_without_idle("a-card", domain, gross, nothing, nothing)


def a_trial(device: str) -> Trial:
    setup = Setup(framework="pytorch", mode="eager").model_copy(update={"device": device})
    return Trial(task="t", model="m", model_digest="", setup=setup, scenario="s")


def measured(device: str, *windows: EnergyWindow, phases: tuple[PhaseWindow, ...] = ()) -> Measured:
    """Three rounds of such windows, as they come from a recording."""
    trial = a_trial(device)
    rounds = [
        a_round(*windows, index=n, queries=10).model_copy(
            update={"trial": trial.id, "phases": phases}
        )
        for n in range(3)
    ]
    samples = SimpleNamespace(
        error=[None] * 10,
        phase_ns=np.ones((10, max(1, len(phases))), np.int64),
        phase_units=np.ones((10, max(1, len(phases)))),
        answered=lambda: {},
        latency_ns=np.ones(10),
        query=np.arange(10),
    )
    recorded: Any = SimpleNamespace(rounds=rounds)
    recorder: Any = SimpleNamespace(load_samples=lambda file: samples)
    return Measured.of(trial, recorded, recorder)


def test_the_device_without_a_meter_is_a_row_of_its_own_and_the_sum_is_missing() -> None:
    rows = energies(measured("cuda", modelled()).in_order(), [1.0] * 10, IdlePowers([]))

    cpu, gpu = sorted(rows, key=lambda row: row.domain)
    assert cpu.per_query.known
    assert (gpu.domain, gpu.per_query.value) == ("gpu", None)
    assert gpu.per_query.reason is Reason.NO_METER
    assert "no meter in use covers gpu" in gpu.per_query.detail
    assert gpu.per_1000_queries.reason is gpu.idle_subtracted_per_query.reason is Reason.NO_METER
    whole = total((row.domain, row.per_query) for row in rows)
    assert whole is not None and whole.reason is Reason.NO_METER


def modelled_node() -> EnergyWindow:
    model = server_model(2.0, 0.2, (0.75, 1.9), (0.7, 1.8))
    readings = cpu_reading(0, 0.0), cpu_reading(10**9, 1.5)
    return cpu_window("modelled-node", *readings, 2, model, "node")


def test_a_modelled_node_stands_for_the_processor_and_is_added_to_a_card() -> None:
    node, card = modelled_node(), counted("gpu:0")
    of_node = 3 * node.gross.bounds()[1] / 30
    alone = measured("cpu", modelled(), node)
    assert {w.meter for w in alone.whole_windows(0)} == {"modelled-node"}
    assert alone.energy_j_per_query([0], "value") == pytest.approx([of_node])
    beside = measured("cuda", modelled(), node, card)
    assert beside.energy_j_per_query([0], "value") == pytest.approx([of_node + 5.0])


def test_a_modelled_node_does_not_cover_a_card_without_a_meter() -> None:
    rows = energies(measured("cuda", modelled(), modelled_node()).in_order(), [1.0], IdlePowers([]))
    assert {row.domain: row.per_query.known for row in rows} == {
        "cpu": True,
        "node": True,
        "gpu": False,
    }


def test_the_ratio_to_the_baseline_is_missing_and_not_one_of_the_processors_alone() -> None:
    ours = measured("cuda", modelled())
    assert ours.energy_j_per_query([0, 1, 2], "value") is None

    ratio = ratios_of_baseline(ours).energy
    assert ratio.reason is Reason.NO_METER


def test_its_phases_have_no_energy_either() -> None:
    shared = {"unit": "token", "seconds": 1.0, "units": 10}
    marked = tuple(PhaseWindow(phase=name, **shared) for name in ("prefill", "decode"))
    found = phases(measured("cuda", modelled(), phases=marked))

    for phase in found:
        (gpu,) = phase.energy
        assert (gpu.domain, gpu.per_unit.reason) == ("gpu", Reason.NO_METER)


@pytest.mark.parametrize(
    ("device", "domain"),
    [("cuda", "gpu:0"), ("cuda:1", "gpu:1"), ("cuda", "node"), ("vulkan", "gpu:0"), ("cpu", "cpu"),
     ("cpu", "node"), ("tpu", "tpu:3")],
)  # fmt: skip
def test_a_device_that_is_covered_adds_nothing(device: str, domain: str) -> None:
    done = a_round(counted(domain))
    assert with_device(done, device) is done


@pytest.mark.parametrize(
    ("device", "missing"), [("cuda", "gpu"), ("cpu", "cpu"), ("tpu", "tpu"), ("rocm:0", "gpu")]
)
def test_what_another_device_used_covers_nothing(device: str, missing: str) -> None:
    assert domain_of(device) == missing
    assert not covers(["dram"], device)
    assert [w.domain for w in with_device(a_round(counted("dram")), device).energy] == [
        "dram",
        missing,
    ]
