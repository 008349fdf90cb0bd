"""Latency, ratios and energy of recorded rounds, as exact figures."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from rounds_with_samples import (
    MS,
    a_round,
    measured,
    ratios_of,
    ratios_of_baseline,
    samples,
    window,
)
from synthetic_run import BASELINE

from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import ComparableEnergy, IdlePower, IdleRecord
from wattmark.results.energy_results import energies, energy_rate
from wattmark.results.idle_powers import IdlePowers
from wattmark.results.measurement import Measured, with_device
from wattmark.results.request_energy import request_energy, round_shares
from wattmark.statistics import accuracy_quantity, paired_ratio, paired_total_ratio, pooled_rate


def test_first_answers_and_times_of_rounds() -> None:
    first = samples(
        [1.0, 2.0],
        query=np.array([4, 7], np.int32),
        prediction=["a", ""],
        score=np.array([1.0, 0.0]),
        error=[None, "no answer"],
    )
    second = samples(
        [3.0, 4.0],
        query=np.array([7, 4], np.int32),
        prediction=["b", "c"],
        score=np.array([0.5, 0.0]),
    )
    ours = measured([second, first])
    ours = Measured({5: ours.rounds[0], 2: ours.rounds[1]}, {5: second, 2: first})

    assert [r.index for r in ours.in_order()] == [1, 0]
    assert ours.first_answers() == {4: ("a", 1.0), 7: ("", 0.0)}
    assert ours.answered() == {4: "a", 7: "b"}
    assert [block.tolist() for block in ours.latencies_ms()] == [[1.0], [3.0, 4.0]]


def test_cpu_time_and_energy_of_a_query() -> None:
    ours = measured(
        [samples([1.0] * 4), samples([1.0] * 2)],
        cpu_s=[2.0, 3.0],
        energy=[(window(8.0), window(4.0, "dram")), (window(6.0),)],
    )
    assert ours.cpu_s_per_query([1, 0]) == [1.5, 0.5]
    assert ours.energy_j_per_query([0, 1], "value") == [3.0, 3.0]
    assert ours.energy_j_per_query([0, 1], "low") == pytest.approx([2.7, 2.7])
    assert ours.energy_j_per_query([], "value") is None
    assert measured([samples([1.0])]).energy_j_per_query([0], "value") is None


def test_the_row_of_a_device_without_an_instrument_has_no_time() -> None:
    (added,) = with_device(a_round(0, 1, start_ns=7), "cpu").energy
    assert (added.meter, added.before.time_ns, added.after.time_ns) == ("no meter", 7, 7)
    assert added.gross.unit == "J"


def two_setups() -> tuple[Measured, Measured]:
    """Three rounds each, and a fourth that the other has not; one query failed."""
    ours = measured(
        [
            samples([2.0, 4.0, 6.0], error=[None, None, "no answer"]),
            samples([3.0, 4.0, 5.0]),
            samples([2.0, 5.0, 7.0]),
            samples([99.0]),
        ],
        cpu_s=[1.0, 2.0, 1.5, 9.0],
        execution=[0, 0, 1, 1],
        energy=[(window(6.0),), (window(7.0),), (window(8.0),), (window(90.0),)],
    )
    baseline = measured(
        [samples([4.0, 8.0, 12.0]), samples([6.0, 8.0, 10.0]), samples([5.0, 9.0, 15.0])],
        cpu_s=[2.0, 3.0, 4.0],
        execution=[0, 0, 1],
        energy=[(window(12.0),), (window(15.0),), (window(15.0),)],
    )
    return ours, baseline


def test_ratios_are_of_rounds_and_queries_that_both_have() -> None:
    ours, baseline = two_setups()
    found = ratios_of(ours, baseline)

    mine = [[2.0, 4.0], [3.0, 4.0, 5.0], [2.0, 5.0, 7.0]]
    theirs = [[4.0, 8.0], [6.0, 8.0, 10.0], [5.0, 9.0, 15.0]]
    assert found.latency == paired_ratio(
        *([np.array(b) * MS for b in side] for side in (mine, theirs)),
        executions=[0, 0, 1],
    )
    cpu = [1.0 / 3, 2.0 / 3, 1.5 / 3], [2.0 / 3, 3.0 / 3, 4.0 / 3]
    assert found.cpu_time == paired_total_ratio(*cpu, executions=[0, 0, 1])


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_a_ratio_of_energies_holds_what_the_meters_ends_say_of_it(scale: float) -> None:
    ours, baseline = two_setups()
    for side, joules in ((ours, (6, 7, 8, 90)), (baseline, (12, 15, 15))):
        for n, j in enumerate(joules):
            energy = (window(scale * j),)
            side.rounds[n] = side.rounds[n].model_copy(update={"energy": energy})
    plain = paired_total_ratio([2.0, 7 / 3, 8 / 3], [4.0, 5.0, 5.0], executions=[0, 0, 1])
    found = ratios_of(ours, baseline).energy
    assert found.bounds() == pytest.approx(plain.bounds())  # the meter's gain cancels
    assert found.level == plain.level

    gross = [
        Quantity.between(j, 0.1 * j, 5.0 * j, "J", grade=Grade.METERED)
        for j in (6 * scale, 7 * scale, 8 * scale)
    ]
    unsure = Measured(
        {
            n: ours.rounds[n].model_copy(
                update={"energy": (window(1.0).model_copy(update={"gross": gross[n]}),)}
            )
            for n in range(3)
        },
        ours.samples,
    )
    wide = ratios_of(unsure, baseline).energy
    value = plain.bounds()[1]
    # a tenth over 0.9, five times over 1.1
    assert wide.bounds() == pytest.approx((value * 0.1 / 0.9, value, value * 5 / 1.1))
    assert wide.grade is Grade.METERED


def test_ratios_without_a_baseline_or_a_meter() -> None:
    ours, baseline = two_setups()
    for apart in (Measured({}, {}), Measured({9: ours.rounds[3]}, {9: ours.samples[3]})):
        found = ratios_of(ours, apart)
        for ratio in (found.latency, found.cpu_time, found.energy):
            assert ratio.reason is Reason.NO_BASELINE
            assert ratio.detail == f"{BASELINE} has no result"
    one = Quantity.exact(1.0, "1")
    itself = ratios_of_baseline(baseline)
    assert (itself.latency, itself.cpu_time, itself.energy) == (one, one, one)
    unmetered = measured([samples([1.0, 2.0, 3.0])] * 3)
    assert ratios_of_baseline(unmetered).latency == one
    for pair in ((ours, unmetered), (unmetered, baseline)):
        missing = ratios_of(*pair).energy
        assert (missing.reason, missing.detail) == (Reason.NO_METER, "no meter was read")


def test_energy_over_all_queries_three_ways() -> None:
    rounds = [
        a_round(0, 10, energy=(window(40.0, seconds=2.0),)),
        a_round(1, 30, energy=(window(120.0, seconds=6.0),)),
    ]
    found = IdlePowers([idle(5.0, reserved=1, machine=2)])
    (cpu,) = energies(rounds, [1.0, 0.0, 1.0, 1.0], found)

    assert (cpu.meter, cpu.domain) == ("plug", "cpu")
    assert cpu.per_query.bounds() == pytest.approx((3.6, 4.0, 4.4))
    assert cpu.per_1000_queries.bounds() == pytest.approx((1.0, 4 / 3.6, 4.4 / 3.6))
    assert cpu.idle_subtracted_per_query.value == pytest.approx((160 - 8 * 5.0) / 40)
    assert cpu.idle_allocated_per_query.value == pytest.approx((160 - 4 * 5.0) / 40)
    low, right, high = accuracy_quantity(3, 4).bounds()
    assert cpu.per_correct.bounds() == pytest.approx((3.6 / high, 4.0 / right, 4.4 / low))
    assert cpu.per_correct.unit == "J/correct"
    assert cpu.per_correct.level == pytest.approx(0.85)  # of meter, spread and share together
    assert cpu.comparable is None


def test_domains_and_meters_have_rows_in_the_order_in_which_they_were_named() -> None:
    other = window(3.0, "cpu").model_copy(update={"meter": "another"})
    rows = energies([a_round(0, 1, energy=(window(1, "dram"), window(1), other))], [1.0], none())
    assert [(r.meter, r.domain) for r in rows] == [
        ("plug", "dram"),
        ("plug", "cpu"),
        ("another", "cpu"),
    ]


def none() -> IdlePowers:
    return IdlePowers([])


@pytest.mark.parametrize(
    ("scores", "reason", "detail"),
    [
        ([math.nan, math.nan], Reason.NOT_ASKED, "answers without a label cannot be scored"),
        ([math.nan, 1.0], Reason.NOT_SUPPORTED, "answers without a label cannot be scored"),
        ([0.5, 1.0], Reason.NOT_SUPPORTED, "better or worse, not right or wrong"),
        ([0.0, 0.0], Reason.NO_CORRECT_ANSWER, ""),
    ],
)
def test_energy_of_a_right_answer_can_be_missing(scores, reason, detail) -> None:
    (cpu,) = energies([a_round(0, 2, energy=(window(4.0),))], scores, none())
    assert cpu.per_correct.reason is reason
    assert cpu.per_correct.unit == "J/correct" and detail in cpu.per_correct.detail
    assert cpu.per_query.value == 2.0


def test_the_spread_between_rounds_comes_on_top_of_the_meters_interval() -> None:
    gross = [Quantity.between(j, 0.9 * j, 1.1 * j, "J") for j in (10.0, 12.0, 14.0)]
    found = energy_rate(gross, [10, 10, 10], "token")
    spread = pooled_rate([10.0, 12.0, 14.0], [10, 10, 10], "1").bounds()

    assert found.unit == "J/token"
    assert found.bounds() == pytest.approx((0.9 * spread[0], 1.2, 1.1 * spread[2]))
    assert found.level == pytest.approx(0.9)
    kilo = [Quantity.exact(q.bounds()[1] / 1e3, "kJ") for q in gross]
    assert energy_rate(kilo, [10, 10, 10], "token").bounds() == pytest.approx(spread)


@pytest.mark.parametrize("joules", [-0.5, 0.0, 3.0])
def test_a_single_round_has_the_meters_interval_alone(joules: float) -> None:
    one = Quantity.between(joules, joules - 1, joules + 1, "J")
    found = energy_rate([one], [10], "query")
    expected = ((joules - 1) / 10, joules / 10, (joules + 1) / 10)
    assert found.bounds() == pytest.approx(expected)


def test_a_comparable_energy_that_cannot_be_reckoned_is_none() -> None:
    its = ComparableEnergy(scale="one", energy=Quantity.between(20.0, 19.0, 21.0, "J"))
    windows = [window(20.0).model_copy(update={"comparable": its}) for _ in range(2)]
    (cpu,) = energies([a_round(n, 10, energy=(w,)) for n, w in enumerate(windows)], [1.0], none())
    assert cpu.comparable is not None
    assert cpu.comparable.scale == "one"
    low, value, high = cpu.comparable.energy.bounds()
    assert value == pytest.approx(2.0) and cpu.comparable.energy.level == cpu.per_query.level
    z = NormalDist().inv_cdf
    assert math.log(high / low) / z((1 + (cpu.per_query.level or 0)) / 2) == pytest.approx(
        math.log(2.1 / 1.9) / z(0.975)
    )


def idle(watts: float | None, reserved: int = 1, machine: int = 1, **more: object) -> IdleRecord:
    power = (
        Quantity.missing("W", Reason.READ_FAILED, "it was unplugged")
        if watts is None
        else Quantity.between(watts, 0.8 * watts, 1.5 * watts, "W", level=0.9, grade=Grade.METERED)
    )
    said = (IdlePower(meter="plug", domain="cpu", power=power),)
    return IdleRecord(
        machine="", measured_at=0.0, seconds=2.0, power=said,
        reserved_cores=reserved, machine_cores=machine,
    )  # fmt: skip


def test_power_at_idle_is_the_mean_of_all_idle_times_within_their_ends() -> None:
    found = IdlePowers([idle(10.0), idle(None), idle(20.0)]).power("plug", "cpu")
    assert found.bounds() == (8.0, 15.0, 30.0)
    assert (found.unit, found.level, found.grade) == ("W", 0.9, Grade.METERED)

    lost = IdlePowers([idle(None)]).power("plug", "cpu")
    assert (lost.reason, lost.detail) == (Reason.IDLE_NOT_MEASURED, "it was unplugged")
    other = IdlePowers([idle(10.0)]).power("plug", "dram")
    assert other.detail == "the idle time that was measured holds no dram of plug"


def test_without_an_idle_time_a_window_stays_as_it_is() -> None:
    before = window(40.0)
    assert none().applied(before) is before
    assert none().power("plug", "cpu").reason is Reason.IDLE_NOT_MEASURED
    applied = IdlePowers([idle(5.0, 1, 4), idle(5.0, 4, 4)]).applied(window(40.0, seconds=2.0))
    assert applied.idle_subtracted.value == 30.0
    assert applied.idle_allocated.value == 32.5  # cores of the first idle time


def test_shares_of_requests_have_percentiles_and_rounds_without_shares_have_none() -> None:
    def calls(n: int) -> dict[str, np.ndarray]:
        return {"batch": np.arange(n, dtype=np.int32), "batch_ns": np.arange(1, n + 1) * MS}

    block = samples([1.0] * 400, **calls(400))
    ours = measured([block], energy=(window(802.0),))
    shares = round_shares(ours.rounds[0], block)
    assert shares is not None
    assert [s.value for s in shares.shares[:2]] == pytest.approx([0.01, 0.02])
    found = request_energy(ours)
    assert found is not None
    assert (found.rule, found.batches) == ("equal", "by duration")
    assert [found.p50.value, found.p90.value, found.p99.value] == pytest.approx([2.0, 3.6, 3.96])
    assert found.p50.level == pytest.approx(0.9)
    assert found.p50.low is not None and found.p50.low < 0.9 * 2.0
    assert found.p50.high is not None and found.p50.high > 1.1 * 2.0

    without = measured([block, samples([1.0])], energy=(window(802.0),))
    assert request_energy(without) is None
    assert request_energy(Measured({}, {})) is None
