from __future__ import annotations

import pytest

from wattmark import registry
from wattmark.errors import MeterError, UnknownNameError
from wattmark.metering import selection
from wattmark.metering.replay import ReplayMeter
from wattmark.meters.modelled.modelled_cpu import ModelledCpu
from wattmark.meters.modelled.modelled_node import ModelledNode
from wattmark.meters.rapl import Rapl
from wattmark.metrology.server_power import server_model
from wattmark.quantities import Grade, Reason
from wattmark.records import MeterReading


def recorded(name: str, grade: Grade, *domains: str) -> ReplayMeter:
    reading = MeterReading(time_ns=0, values=dict.fromkeys(domains, 1.0))
    return ReplayMeter([reading] * 50, name=name, grade=grade)


@pytest.fixture
def installed(monkeypatch):
    """Make these meters the ones that the registry knows."""

    def put(*meters) -> None:
        by_name = {meter.name: meter for meter in meters}
        monkeypatch.setattr(
            registry, "names", lambda kind: sorted(by_name) if kind == "meter" else []
        )
        monkeypatch.setattr(registry, "meter", by_name.__getitem__)

    return put


def test_a_counter_beats_the_model_for_its_domain(installed, powercap):
    root = powercap("intel-rapl:0", name="package-0", energy_uj=1)
    gpu = recorded("gpus", Grade.COUNTED, "gpu:0")
    installed(ModelledCpu(), Rapl(root), gpu)
    assert [m.name for m in selection.choose()] == ["gpus", "rapl"]


def test_the_model_stands_in_where_there_is_no_counter(installed, tmp_path):
    gpu = recorded("gpus", Grade.COUNTED, "gpu:0")
    installed(ModelledCpu(), Rapl(tmp_path), gpu)
    assert [m.name for m in selection.choose()] == ["gpus", "modelled-cpu"]


def test_the_best_grade_is_not_a_matter_of_the_alphabet(installed):
    installed(
        recorded("a-modelled", Grade.MODELLED, "cpu"),
        recorded("b-counted", Grade.COUNTED, "cpu", "dram"),
        recorded("c-metered", Grade.METERED, "cpu"),
    )
    assert [m.name for m in selection.choose()] == ["c-metered", "b-counted"]


def node_of_a_server() -> ModelledNode:
    return ModelledNode(server_model(2.0, 0.2, (0.75, 1.9), (0.7, 1.8)))


def test_the_node_is_modelled_where_no_sensor_sees_the_processor(installed, powercap):
    gpu = recorded("gpus", Grade.COUNTED, "gpu:0")
    installed(ModelledCpu(), node_of_a_server(), gpu)
    assert [m.name for m in selection.choose()] == ["gpus", "modelled-cpu", "modelled-node"]
    root = powercap("intel-rapl:0", name="package-0", energy_uj=1)
    installed(ModelledCpu(), node_of_a_server(), Rapl(root))
    assert [m.name for m in selection.choose()] == ["rapl"]
    assert [m.name for m in selection.choose(["modelled-node", "rapl"])] == [
        "modelled-node",
        "rapl",
    ]


def test_an_instrument_of_the_node_comes_before_its_model(installed):
    plug = recorded("plug", Grade.METERED, "node")
    installed(ModelledCpu(), node_of_a_server(), plug)
    assert [m.name for m in selection.choose()] == ["plug", "modelled-cpu"]
    kepler = recorded("z-kepler", Grade.MODELLED, "node")  # of the machine, not of a process
    installed(ModelledCpu(), node_of_a_server(), kepler)
    assert {m.name for m in selection.choose()} == {"modelled-cpu", "z-kepler"}


def test_a_card_without_a_counter_gets_the_meter_of_power_beside_the_counters(installed):
    installed(
        recorded("nvml", Grade.COUNTED, "gpu:0"),
        recorded("nvml-power", Grade.COUNTED, "gpu:0", "gpu:1"),
    )
    assert [m.name for m in selection.choose()] == ["nvml", "nvml-power"]


def test_named_meters_are_taken_as_named_and_once():
    names = [m.name for m in selection.choose(["modelled-cpu", "modelled-cpu"])]
    assert names == ["modelled-cpu"]


def test_an_unknown_name_comes_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'modelled-cpu'"):
        selection.choose(["modeled-cpu"])


def test_a_named_meter_that_is_not_there_says_why(installed, tmp_path):
    installed(Rapl(tmp_path))
    with pytest.raises(MeterError, match=r"'rapl' cannot be used here \(no_meter\): no package"):
        selection.choose(["rapl"])


def test_a_survey_lists_usable_and_absent_meters(installed, tmp_path):
    installed(ModelledCpu(), Rapl(tmp_path))
    modelled, rapl = selection.survey()
    assert modelled.availability.available
    assert modelled.info is not None and modelled.info.domains == ("cpu",)
    assert modelled.read_cost_s is not None and modelled.read_cost_s > 0
    assert (rapl.grade, rapl.availability.reason) == (Grade.COUNTED, Reason.NO_METER)
    assert rapl.info is None and rapl.read_cost_s is None


def test_a_survey_shows_every_meter_that_comes_with_wattmark():
    assert {s.name for s in selection.survey()} >= {"modelled-cpu", "nvml", "rapl"}


def test_a_plug_in_that_cannot_be_imported_is_reported(monkeypatch):
    def broken(name: str):
        raise ImportError("no module named 'powermeter'")

    monkeypatch.setattr(registry, "names", lambda kind: ["broken"] if kind == "meter" else [])
    monkeypatch.setattr(registry, "meter", broken)
    (found,) = selection.survey()
    assert not found.availability.available
    assert "powermeter" in found.availability.detail
    assert selection.choose() == []
