"""Each domain counts once, by the best known figure; what else was read of it stands beside."""

from __future__ import annotations

import pytest
from rounds_with_samples import MS, a_round, ratios_of, samples
from synthetic_run import BASELINE, make_result, make_run

from wattmark.metrology.counters import window_without_idle
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import Energy, EnergyWindow, MeterReading, Result
from wattmark.records.domains import total
from wattmark.records.reading import (
    comparable_per_query,
    counted_energies,
    energy_per_query,
    instruments,
)
from wattmark.reports.three_energies import three_energies
from wattmark.results.energy_results import energies
from wattmark.results.idle_powers import IdlePowers
from wattmark.results.measurement import Measured
from wattmark.results.request_energy import request_energy

NO_COUNTER = Quantity.missing("J", Reason.NO_ENERGY_COUNTER, "no counter")
LOST = Quantity.missing("J", Reason.SENSOR_LOST, "gone")


def joules(value: float, grade: Grade = Grade.COUNTED) -> Quantity:
    return Quantity.between(value, 0.9 * value, 1.1 * value, "J", grade=grade)


def window(meter: str, domain: str, gross: Quantity) -> EnergyWindow:
    ends = [MeterReading(time_ns=1000 * MS * s, values={}) for s in (0, 1)]
    return window_without_idle(meter, domain, gross, *ends)


def measured(*rounds: tuple[EnergyWindow, ...]) -> Measured:
    """Rounds of ten queries."""
    made = {n: a_round(n, 10, energy=found) for n, found in enumerate(rounds)}
    return Measured(made, {n: samples([1.0] * 10) for n in made})


def rows(ours: Measured) -> tuple[Energy, ...]:
    return energies(ours.in_order(), [1.0] * 10, IdlePowers([]))


def a_result(*energy: Energy) -> Result:
    return make_result(BASELINE, 17.1, 1.0, 842).model_copy(update={"energy": energy})


@pytest.mark.parametrize("first", [0, 1])
def test_two_models_of_one_processor_are_not_added_up(first: int) -> None:
    both = [
        window("modelled-cpu", "cpu", joules(5.6, Grade.MODELLED)),
        window("modelled-cgroup", "cpu", joules(2.2, Grade.MODELLED)),
    ]
    named = tuple(both[first:] + both[:first])
    ours = measured(named, named)
    result = a_result(*rows(ours))
    energy = energy_per_query(result)
    assert energy is not None
    assert energy.value == pytest.approx((0.56, 0.22)[first])  # of the one that was named first
    assert ours.energy_j_per_query([0, 1], "value") == pytest.approx([energy.value] * 2)
    assert instruments(result) == named[0].meter
    assert len(result.energy) == 2
    shown = [[cell.text for cell in row.cells] for row in three_energies(make_run([result])).rows]
    assert [cells[2] for cells in shown] == [
        named[0].meter,
        f"{named[1].meter} (beside: another counts)",
    ]


def test_the_better_grade_counts_whatever_was_named_first() -> None:
    modelled = ("cpu", joules(5.6, Grade.MODELLED))
    counted = ("cpu", joules(4.0, Grade.COUNTED))
    metered = ("cpu", joules(3.0, Grade.METERED))
    for parts, best in (
        ([modelled, counted], counted),
        ([counted, metered, modelled], metered),
        ([("cpu", LOST), modelled], modelled),
    ):
        assert total(parts) == best[1]
        assert total(reversed(parts)) == best[1]
    assert total([("cpu", LOST), ("cpu", NO_COUNTER)]) == LOST


def test_a_card_without_a_counter_counts_by_its_power_beside_one_with() -> None:
    found = (
        window("nvml", "gpu:0", joules(50.0)),
        window("nvml", "gpu:1", NO_COUNTER),
        window("nvml-power", "gpu:0", joules(55.0)),
        window("nvml-power", "gpu:1", joules(30.0)),
    )
    ours = measured(found, found)
    result = a_result(*rows(ours))
    energy = energy_per_query(result)
    assert energy is not None and energy.value == pytest.approx(8.0)
    assert ours.energy_j_per_query([0, 1], "value") == pytest.approx([8.0, 8.0])
    assert [(e.meter, e.domain) for e in counted_energies(result.energy)] == [
        ("nvml", "gpu:0"),
        ("nvml-power", "gpu:1"),
    ]


def test_one_instrument_stands_for_all_rounds_of_both_sides_of_a_ratio() -> None:
    def of(counter: Quantity, sensor: float) -> tuple[EnergyWindow, ...]:
        return window("nvml", "gpu:0", counter), window("nvml-power", "gpu:0", joules(sensor))

    ours = measured(*[of(joules(10.0), 20.0)] * 3)
    baseline = measured(of(joules(10.0), 40.0), of(LOST, 40.0), of(joules(10.0), 40.0))
    assert ours.energy_j_per_query([0, 1, 2], "value") == [1.0] * 3
    assert baseline.energy_j_per_query([0, 1, 2], "value") == [4.0] * 3
    assert ratios_of(ours, baseline).energy.value == pytest.approx(0.5)


def test_the_figure_that_counts_is_the_one_that_is_compared() -> None:
    scaled = make_result(BASELINE, 17.1, 1.0, 842).energy[0]
    beside = scaled.model_copy(update={"meter": "another", "comparable": None})
    assert comparable_per_query(a_result(scaled, beside)) == scaled.comparable


def test_a_request_bears_its_share_of_the_figure_that_counts() -> None:
    found = window("rapl", "cpu", joules(8.0)), window("plug", "cpu", joules(80.0))
    plain = samples([1.0] * 10)
    block = samples([1.0] * 10, batch=plain.query * 0, batch_ns=plain.latency_ns)
    ours = Measured(
        {n: a_round(n, 10, energy=found) for n in range(40)}, dict.fromkeys(range(40), block)
    )
    borne = request_energy(ours)
    assert borne is not None and borne.p50.value == pytest.approx(0.8)
