"""What a result, its domains and its windows say, by hand."""

from __future__ import annotations

import time

import pytest
from pydantic import BaseModel, ValidationError, model_validator
from synthetic_run import BASELINE, make_result, make_run

from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import (
    ComparableEnergy,
    Energy,
    EnergyWindow,
    Failure,
    MeterReading,
    Result,
    bundle_from,
    bundle_of,
)
from wattmark.records.base import problems_text
from wattmark.records.canonical import MOST_INTEGER, canonical, elements, members, read_canonical
from wattmark.records.domains import HOST, counts_as, covers, domain_of, summed, total
from wattmark.records.endpoint import EndpointPlan
from wattmark.records.idle import IdlePower, IdleRecord
from wattmark.records.reading import (
    baseline_result,
    comparable_per_query,
    energy_among_setups,
    energy_per_correct,
    energy_per_query,
    energy_ratio,
    instruments,
    mean_power,
    median_latency,
    ok,
    totals_apart,
)


def q(value: float, unit: str = "J/query", grade: Grade | None = None) -> Quantity:
    return Quantity.exact(value, unit, grade)


@pytest.mark.parametrize(
    ("device", "domain"),
    [("cpu", "cpu"), ("cuda", "gpu"), ("cuda:1", "gpu"), ("mps", "gpu"), ("npu", "npu")],
)
def test_a_device_has_a_domain(device: str, domain: str) -> None:
    assert domain_of(device) == domain


def test_a_domain_covers_its_devices_and_the_node_all() -> None:
    assert covers(["gpu:0", "dram"], "cuda:1") and covers(["node"], "npu")
    assert not covers(["cpu", "dram"], "cuda") and not covers([], "cpu")


def test_where_there_is_a_node_it_is_the_sum() -> None:
    assert summed(["cpu", "node", "dram"]) == {"node"}
    assert summed(["cpu", "dram"]) == {"cpu", "dram"}
    assert total([("cpu", q(1.0)), ("dram", q(2.0))]) == q(3.0)
    assert total([("cpu", q(1.0)), ("node", q(5.0))]) == q(5.0)
    assert total([]) is None
    wide = Quantity.between(2.0, 1.0, 3.0, "J/query")
    both = total([("gpu:0", wide), ("gpu:1", wide)])
    assert both is not None and both.level == pytest.approx(0.90)  # a sensor each


def test_a_modelled_node_holds_processor_and_memory_but_no_gpu() -> None:
    assert counts_as("modelled-node", "node") == HOST
    assert counts_as("plug", "node") == "node" and counts_as("modelled-cpu", "cpu") == "cpu"
    assert summed(["cpu", "dram", HOST]) == {HOST}
    assert summed(["cpu", HOST, "gpu:0", "gpu:1"]) == {HOST, "gpu:0", "gpu:1"}
    assert summed([HOST, "node", "gpu:0"]) == {"node"}
    assert covers([HOST], "cpu") and not covers([HOST], "cuda") and not covers([HOST], "npu")
    assert total([("cpu", q(1.0)), (HOST, q(3.0)), ("gpu:0", q(10.0))]) == q(13.0)


def energy_of(meter: str, domain: str, joules: float) -> Energy:
    each = q(joules, grade=Grade.MODELLED)
    return Energy(
        meter=meter,
        domain=domain,
        per_query=each,
        idle_subtracted_per_query=each,
        per_1000_queries=each.to("Wh/kquery"),
        per_correct=Quantity.exact(2 * joules, "J/correct", Grade.MODELLED),
        comparable=ComparableEnergy(scale=f"of {meter}", energy=each),
    )


def test_the_headline_of_a_modelled_machine_is_its_node_and_never_node_and_processor() -> None:
    cpu, node = energy_of("modelled-cpu", "cpu", 2.0), energy_of("modelled-node", "node", 3.0)
    result = make_result(BASELINE, 17.1, 1.0, 900).model_copy(update={"energy": (cpu, node)})
    assert energy_per_query(result) == q(3.0, grade=Grade.MODELLED)
    assert energy_per_correct(result) == q(6.0, "J/correct", Grade.MODELLED)
    comparable = comparable_per_query(result)
    assert comparable is not None and comparable.scale == "of modelled-node"
    assert instruments(result) == "modelled-node"
    beside_gpu = result.model_copy(update={"energy": (cpu, energy_of("nvml", "gpu:0", 9.0), node)})
    assert energy_per_query(beside_gpu) == q(12.0, grade=Grade.MODELLED)
    assert instruments(beside_gpu) == "modelled-node + nvml"
    assert comparable_per_query(beside_gpu) is None


def test_the_mean_power_of_a_window() -> None:
    def window(seconds: float) -> EnergyWindow:
        ends = [MeterReading(time_ns=round(t * 1e9), values={}) for t in (1.0, 1.0 + seconds)]
        joules = q(10.0, "J")
        return EnergyWindow(
            meter="m",
            domain="cpu",
            gross=joules,
            idle_subtracted=joules,
            before=ends[0],
            after=ends[1],
        )

    assert mean_power(window(4.0)) == q(2.5, "W")
    for seconds in (0.0, -1.0):
        assert mean_power(window(seconds)).reason is Reason.WINDOW_TOO_SHORT


def energy(domain: str, joules: float, meter: str = "rapl") -> Energy:
    its = q(joules, grade=Grade.COUNTED)
    return Energy(
        meter=meter,
        domain=domain,
        per_query=its,
        idle_subtracted_per_query=its,
        per_1000_queries=its.to("Wh/kquery"),
        per_correct=q(2 * joules, "J/correct"),
        comparable=ComparableEnergy(scale="one", energy=its),
    )


def result(*parts: Energy, label: str = BASELINE) -> Result:
    return make_result(label, 17.1, 1.0, 842).model_copy(update={"energy": parts})


def test_energies_of_a_result_are_added_over_its_domains() -> None:
    both = result(energy("cpu", 1.0), energy("gpu:0", 2.0, "nvml"))
    assert energy_per_query(both) == q(3.0, grade=Grade.COUNTED)
    assert energy_per_correct(both) == q(6.0, "J/correct")
    assert instruments(both) == "nvml + rapl"
    assert comparable_per_query(both) is None  # a scale of one is no factor of the sum
    one = result(energy("cpu", 1.0), energy("node", 4.0))
    assert energy_per_query(one) == q(4.0, grade=Grade.COUNTED)
    assert comparable_per_query(one) == energy("node", 4.0).comparable
    assert energy_per_query(result()) is None and instruments(result()) == ""
    assert ok(one) and median_latency(one) is not None
    bare = one.model_copy(update={"ratios": None, "latency": None})
    assert energy_ratio(bare) is None and median_latency(bare) is None
    assert one.ratios is not None and energy_ratio(one) == one.ratios.energy


def failed(label: str) -> Result:
    good = make_result(label, 17.1, 1.0, 842)
    failure = Failure(stage="load", reason="r", message="m")
    return Result(trial=good.trial, status="failed", failure=failure)


def test_the_baseline_is_the_one_of_the_plan_where_it_did_not_fail() -> None:
    other = make_result("jax/jit/fp32", 12.7, 0.75, 842)
    good = make_run([make_result(BASELINE, 17.1, 1.0, 842), other])
    found = baseline_result(good)
    assert found is not None and found.id == BASELINE
    assert good.result("jax/jit/fp32").id == "jax/jit/fp32"
    with pytest.raises(KeyError, match="nobody"):
        good.result("nobody")
    lost = good.model_copy(update={"results": (failed(BASELINE), other)})
    assert baseline_result(lost) is None and not ok(lost.results[0])


def test_among_setups_an_energy_keeps_its_point_and_leaves_out_what_all_share() -> None:
    other = make_result("jax/jit/fp32", 12.7, 0.75, 842)
    # three quarters by rounds, 0.15 J by the totals that every table shows, whatever the ratio
    moved = other.model_copy(update={"energy_relative": Quantity.between(0.5, 0.4, 0.6, "1")})
    run = make_run([make_result(BASELINE, 17.1, 1.0, 842), moved])
    among = energy_among_setups(run, moved)
    assert among is not None and among.bounds() == pytest.approx((0.15 / 1.1, 0.15, 0.15 * 1.1))
    (cpu,) = other.energy
    metered = other.model_copy(update={"energy": (cpu.model_copy(update={"comparable": None}),)})
    mixed = make_run([make_result(BASELINE, 17.1, 1.0, 842), metered])
    assert all(energy_among_setups(mixed, r) == energy_per_query(r) for r in mixed.results)
    nothing = other.model_copy(update={"energy": ()})
    assert energy_among_setups(run, nothing) is None


def test_totals_are_told_apart_from_the_ratio_by_rounds() -> None:
    other = make_result("jax/jit/fp32", 12.7, 0.75, 842)  # 0.15 J, of 0.2 J
    run = make_run([make_result(BASELINE, 17.1, 1.0, 842), other])
    assert [totals_apart(run, result) for result in run.results] == [None, None]

    def of_ratio(low: float, value: float, high: float) -> float | None:
        assert other.ratios is not None
        energy = Quantity.between(value, low, high, "1")
        ratios = other.ratios.model_copy(update={"energy": energy})
        return totals_apart(run, other.model_copy(update={"ratios": ratios}))

    assert of_ratio(0.5, 0.6, 0.7) == pytest.approx(0.75)  # outside
    assert of_ratio(0.5, 0.6, 0.8) == pytest.approx(0.75)  # within, and a quarter off
    assert of_ratio(0.7, 0.73, 0.8) is None


def test_a_failed_result_carries_its_failure_and_only_a_failed_one_does() -> None:
    document = failed(BASELINE).model_dump()
    assert Result.model_validate(document).status == "failed"
    for changes in ({"status": "ok"}, {"failure": None}):
        with pytest.raises(ValidationError, match="carries its failure"):
            Result.model_validate(document | changes)


def test_a_missing_energy_shares_no_scale() -> None:
    with pytest.raises(ValidationError, match="shares no scale"):
        ComparableEnergy(scale="x", energy=Quantity.missing("J", Reason.NO_METER))


def test_idle_power_is_found_by_meter_and_domain() -> None:
    watts = q(4.0, "W")
    power = (IdlePower(meter="rapl", domain="cpu", power=watts),)
    record = IdleRecord(machine="m", measured_at=time.time() - 100.0, seconds=5.0, power=power)
    assert record.of("rapl", "cpu") == watts
    for meter, domain in (("rapl", "dram"), ("nvml", "cpu")):
        found = record.of(meter, domain)
        assert (found.reason, found.unit) == (Reason.IDLE_NOT_MEASURED, "W")
        assert f"no {domain} of {meter}" in found.detail
    assert 100.0 <= record.age_s < 160.0
    assert (record.reserved_cores, record.machine_cores) == (1, 1)


def test_a_load_has_a_rate_or_a_number_of_clients() -> None:
    asked = {"url": "http://x", "api": "openai", "model": "m"}
    assert EndpointPlan(**asked, rate_per_s=1.0).concurrency is None
    assert EndpointPlan(**asked, concurrency=2).rate_per_s is None
    for changes in ({}, {"rate_per_s": 1.0, "concurrency": 2}):
        with pytest.raises(ValidationError, match="give either a rate"):
            EndpointPlan(**asked, **changes)


class Pair(BaseModel):
    one: int
    other: int

    @model_validator(mode="after")
    def _check(self) -> Pair:
        if self.one > self.other:
            raise ValueError("they are the wrong way round")
        return self


def test_problems_are_told_field_by_field_in_plain_words() -> None:
    with pytest.raises(ValidationError) as told:
        Pair.model_validate({"one": 2, "other": 1})
    assert problems_text(told.value) == "they are the wrong way round"
    with pytest.raises(ValidationError) as told:
        Pair.model_validate({"one": 2})
    assert problems_text(told.value) == "other: Field required"


def test_integers_of_json_end_at_two_to_the_53() -> None:
    assert MOST_INTEGER == 9_007_199_254_740_991
    for text, kind in (("9007199254740991", int), ("9007199254740992", float), ("-5", int)):
        found = read_canonical(text)
        assert type(found) is kind and found == float(text)
    with pytest.raises(ValueError):
        canonical(9_007_199_254_740_992)


def test_parts_of_documents_are_told_apart() -> None:
    assert members(b"{}") == {} and elements(b"[]") == []
    assert members(b'{"a":[1,2],"b":{"c":3}}') == {"a": b"[1,2]", "b": b'{"c":3}'}
    assert elements(b'[1,[2,3],{"a":4}]') == [b"1", b"[2,3]", b'{"a":4}']
    for text in (b"[", b"[1", b"[1,]", b"[1]x", b"[ ]", b"{}"):
        with pytest.raises(ValueError):
            elements(text)
    with pytest.raises(ValueError, match=r"no canonical object: '\{.a.1\}' at 0"):
        members(b'{"a"1}')


def test_a_bundle_is_the_same_from_its_run_and_from_its_bytes() -> None:
    run = make_run([make_result(BASELINE, 17.1, 1.0, 842), failed("jax/jit/fp32")])
    written = bundle_of(run)
    kept = bundle_from(written.document)
    assert kept == written and kept.run == run
    for its in run.results:
        part = kept.result_document(its.id)
        assert Result.model_validate_json(part) == its
        assert part in written.document
    with pytest.raises(KeyError):
        kept.result_document("nobody")
