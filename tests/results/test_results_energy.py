"""Energy per query for comparisons: of windows that share a scale, and of no others."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rounds_with_samples import ratios_of, ratios_of_baseline
from synthetic_run import BASELINE, make_result, make_run
from windows_of_rounds import a_round

from wattmark.conduct.recorder import Samples
from wattmark.metrology.counters import window_without_idle
from wattmark.metrology.cpu_power import DEFAULT_MODEL, PowerModel
from wattmark.metrology.cpu_windows import cpu_reading, cpu_window, work_between
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import (
    Energy,
    EnergyWindow,
    IdlePower,
    IdleRecord,
    MeterReading,
    Result,
    hashed_document,
)
from wattmark.records.reading import comparable_per_query
from wattmark.results.energy_results import energies, energy_rate, energy_ratio
from wattmark.results.idle_powers import IdlePowers
from wattmark.results.measurement import Measured

WATTS = PowerModel(Quantity.between(10.0, 5.0, 20.0, "W"), DEFAULT_MODEL.idle_share)


def a_window(cpu_s: float, model: PowerModel = DEFAULT_MODEL) -> EnergyWindow:
    """A second of two cores."""
    return cpu_window(
        "modelled-cpu", cpu_reading(0, 0.0), cpu_reading(1_000_000_000, cpu_s), 2, model
    )


def energy_of(*windows: EnergyWindow) -> Energy:
    """What rounds of 100 queries each come to."""
    rounds = [a_round(window, index=n, queries=100) for n, window in enumerate(windows)]
    (energy,) = energies(rounds, [1.0] * 100, IdlePowers([]))
    return energy


def test_it_is_the_energy_per_query_with_a_narrower_interval() -> None:
    energy = energy_of(a_window(1.6), a_window(1.61), a_window(1.59))
    assert energy.comparable is not None
    low, value, high = energy.comparable.energy.bounds()
    whole_low, whole, whole_high = energy.per_query.bounds()

    assert value == pytest.approx(whole)
    assert whole_low < low < value < high < whole_high
    assert high / low < 1.7 < 10 < whole_high / whole_low


def test_two_results_are_told_apart_as_surely_as_by_the_ratio_of_their_work() -> None:
    one, other = energy_of(*[a_window(1.8)] * 3), energy_of(*[a_window(0.9)] * 3)
    assert one.comparable is not None and other.comparable is not None
    apart = one.comparable.energy / other.comparable.energy
    works = [work_between(w.before, w.after, 2) for w in (a_window(1.8), a_window(0.9))]
    assert works[0] is not None and works[1] is not None
    low, value, high = apart.bounds()

    assert low > 1.0
    for idle_share in DEFAULT_MODEL.idle_share.to("1").bounds():
        assert low <= works[0].gross(idle_share) / works[1].gross(idle_share) <= high
    idle_share = DEFAULT_MODEL.idle_share.to("1").bounds()[1]
    assert value == pytest.approx(works[0].gross(idle_share) / works[1].gross(idle_share))


def test_windows_of_two_models_share_nothing() -> None:
    assert energy_of(a_window(1.6), a_window(1.6)).comparable is not None
    assert energy_of(a_window(1.6), a_window(1.6, WATTS)).comparable is None


def test_a_window_without_a_scale_leaves_none() -> None:
    without = a_window(1.6).model_copy(update={"comparable": None})
    assert energy_of(a_window(1.6), without).comparable is None


def test_a_sum_over_domains_has_no_scale() -> None:
    energy = energy_of(a_window(1.6), a_window(1.7))
    gpu = energy.model_copy(update={"domain": "gpu:0", "comparable": None})
    result = a_result(energy)
    assert comparable_per_query(result) == energy.comparable
    assert comparable_per_query(a_result(energy, gpu)) is None
    assert comparable_per_query(a_result()) is None


def test_a_result_of_an_earlier_version_keeps_its_document() -> None:
    energy = energy_of(a_window(1.6)).model_copy(update={"comparable": None})
    (before,) = hashed_document(a_result(energy))["energy"]
    assert "comparable" not in before
    (its,) = hashed_document(make_run([a_result(energy)]))["results"]
    assert its == hashed_document(a_result(energy))

    (now,) = hashed_document(a_result(energy_of(a_window(1.6))))["energy"]
    assert now["comparable"]["scale"] == DEFAULT_MODEL.scale


def test_a_meter_that_failed_at_idle_is_told_by_the_figures_that_need_it() -> None:
    lost = Quantity.missing("W", Reason.SENSOR_LOST, "no answer from the plug")
    power = IdlePower(meter="plug", domain="node", power=lost)
    record = IdleRecord(machine="", measured_at=0.0, seconds=2.0, power=(power,))
    before, after = (MeterReading(time_ns=time_ns, values={}) for time_ns in (0, 10**9))
    gross = Quantity.between(50.0, 45.0, 55.0, "J")
    window = window_without_idle("plug", "node", gross, before, after)

    (node,) = energies([a_round(window, queries=10)], [1.0] * 10, IdlePowers([record]))

    assert node.per_query.value == 5.0
    assert node.idle_subtracted_per_query.reason is Reason.IDLE_NOT_MEASURED
    assert node.idle_subtracted_per_query.detail == "no answer from the plug"


def a_result(*parts: Energy) -> Result:
    return make_result(BASELINE, 17.1, 1.0, 842).model_copy(update={"energy": parts})


def measured(*domains: tuple[str, Quantity]) -> Measured:
    """Three rounds of thirty queries with the energy of these domains."""
    reading = MeterReading(time_ns=0, values={})
    windows = [window_without_idle("m", name, gross, reading, reading) for name, gross in domains]
    n = 30
    samples = Samples(
        query=np.arange(n, dtype=np.int32),
        start_ns=np.zeros(n, np.int64),
        latency_ns=np.ones(n, np.int64),
        prediction=[""] * n,
        score=np.zeros(n),
        error=[None] * n,
    )
    rounds = {i: a_round(*windows, index=i, queries=n) for i in range(3)}
    return Measured(rounds, dict.fromkeys(rounds, samples))


def test_a_ratio_has_the_grade_of_the_domains_that_it_is_of() -> None:
    def joules(value: float, grade: Grade) -> Quantity:
        return Quantity.between(value, 0.9 * value, 1.1 * value, "J", grade=grade)

    gone = Quantity.missing("J", Reason.SENSOR_LOST)
    node, cpu = ("node", joules(9.0, Grade.METERED)), ("cpu", joules(3.0, Grade.MODELLED))
    for beside_the_node in (cpu, ("cpu", gone)):
        ours = measured(node, beside_the_node)
        ratio = ratios_of(ours, ours).energy
        assert ratio.value == 1.0 and ratio.grade is Grade.METERED
    of_parts = measured(("gpu:0", joules(9.0, Grade.METERED)), cpu)
    assert ratios_of(of_parts, of_parts).energy.grade is Grade.MODELLED
    lost = measured(("node", gone), cpu)
    assert ratios_of_baseline(lost).energy.reason is Reason.SENSOR_LOST


def test_rounds_that_used_less_than_idle_would_have_still_give_their_mean() -> None:
    near_idle = [Quantity.between(j, j - 0.1, j + 0.1, "J") for j in (-0.5, 0.7, 0.2, -0.1)]

    rate = energy_rate(near_idle, [10, 10, 10, 10], "query")

    low, value, high = rate.bounds()
    assert value == pytest.approx(0.3 / 40)
    # Student's t of the four rates gives 0.0805 to each side, the meter 0.01: worst cases add up
    assert value - low == pytest.approx(0.0905, rel=1e-3)
    assert high - value == pytest.approx(0.0905, rel=1e-3)


def modelled(*cpu_s: float) -> Measured:
    """Rounds of a second on two cores with these CPU times, of the default power model."""
    base = measured()
    rounds = {i: a_round(a_window(s), index=i, queries=30) for i, s in enumerate(cpu_s)}
    return Measured(rounds, dict.fromkeys(rounds, base.samples[0]))


def of_known_rounds(ours: Measured, theirs: Measured) -> Quantity:
    """Their ratio where rounds and processes leave nothing open."""
    sums = [math.fsum(its.energy_j_per_query([0, 1, 2], "value") or ()) for its in (ours, theirs)]
    ratio = sums[0] / sums[1]
    return energy_ratio(
        ours, theirs, [0, 1, 2], Quantity.between(ratio, ratio, ratio, "1", level=0.95)
    )


def test_the_ratio_of_two_programs_is_known_to_a_fifth_at_best() -> None:
    """Their CPU times are exact here; what each draws beside the mean of programs is not."""
    ours, theirs = modelled(0.5, 0.5, 0.5), modelled(2.0, 2.0, 2.0)
    low, value, high = of_known_rounds(ours, theirs).bounds()
    share = DEFAULT_MODEL.idle_share.bounds()
    idle = [(0.5 * (1 - s) + 2 * s) / 2.0 for s in share]
    assert value == pytest.approx(idle[1])
    apart = math.log(1.1 / 0.9)  # of two programs; the idle share is independent of them
    assert low <= value * math.exp(-math.hypot(math.log(value / idle[0]), apart)) * 1.01
    assert high >= value * math.exp(math.hypot(math.log(idle[2] / value), apart)) * 0.99

    busy = modelled(1.9, 1.9, 1.9)
    low, value, high = of_known_rounds(busy, busy).bounds()
    assert (low, value, high) == pytest.approx((0.9 / 1.1, 1.0, 1.1 / 0.9), rel=1e-3)


def test_a_modelled_part_widens_a_ratio_by_its_share_of_the_energy() -> None:
    """A plug's energy beside it is of no program's spread."""
    reading = MeterReading(time_ns=0, values={})
    counted = window_without_idle(
        "nvml", "gpu:0", Quantity.exact(1000.0, "J", Grade.COUNTED), reading, reading
    )
    base = measured()
    rounds = {i: a_round(a_window(1.9), counted, index=i, queries=30) for i in range(3)}
    mostly_counted = Measured(rounds, dict.fromkeys(rounds, base.samples[0]))
    low, _, high = of_known_rounds(mostly_counted, mostly_counted).bounds()
    assert 1.0 < high / low < 1.02
