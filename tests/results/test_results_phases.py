"""Latencies and phases of rounds, from times that are round numbers."""

from __future__ import annotations

import numpy as np
import pytest
from rounds_with_samples import MS, measured, samples, window

from wattmark.quantities import Quantity, Reason
from wattmark.records import PhaseEnergy, PhaseWindow
from wattmark.results.measurement import Measured
from wattmark.results.phase_results import latency, phases, time_to_first_token
from wattmark.statistics import pooled_rate


def test_percentiles_and_mean_of_latencies() -> None:
    blocks = [np.arange(1.0, 501.0), np.arange(501.0, 1001.0)]
    found = latency(blocks)

    assert [q.value for q in (found.p50, found.p90, found.p99)] == [500.0, 900.0, 990.0]
    assert {q.unit for q in (found.p50, found.p90, found.p99, found.mean)} == {"ms"}
    assert found.mean == pooled_rate([125_250, 375_250], [500, 500], "ms")
    nothing = latency([])
    assert {nothing.p50.reason, nothing.mean.reason} == {Reason.TOO_FEW_SAMPLES}


def block(*times_ms: tuple[float, float], units: tuple[float, float] = (8, 4), error=None):
    """Queries of two phases that took so long, each with so many units."""
    n = len(times_ms)
    return samples(
        [a + b for a, b in times_ms],
        error=error or [None] * n,
        phase_ns=np.array([[round(a * MS), round(b * MS)] for a, b in times_ms], np.int64),
        phase_units=np.array([units] * n, np.float64),
    )


def marks(
    prefill_s: float, decode_s: float, units: tuple[int, int], joules: float | None = None
) -> tuple[PhaseWindow, ...]:
    def energy(part: float) -> tuple[PhaseEnergy, ...]:
        if joules is None:
            return ()
        gross = Quantity.exact(part * joules, "J")
        return (PhaseEnergy(meter="plug", domain="cpu", gross=gross),)

    return (
        PhaseWindow(
            phase="prefill", unit="token", seconds=prefill_s, units=units[0], energy=energy(1)
        ),
        PhaseWindow(
            phase="decode", unit="token", seconds=decode_s, units=units[1], energy=energy(2)
        ),
    )


def two_phases() -> Measured:
    return measured(
        [
            block((2.0, 6.0), (4.0, 10.0)),
            block((3.0, 8.0), (5.0, 7.0), (100.0, 100.0), error=[None, None, "no answer"]),
        ],
        phases=[marks(0.5, 2.0, (16, 8), 4.0), marks(1.5, 2.0, (16, 8), 8.0)],
    )


def test_each_phase_has_its_own_times_units_and_energy() -> None:
    prefill, decode = phases(two_phases())

    assert (prefill.phase, prefill.unit, decode.phase) == ("prefill", "token", "decode")
    assert prefill.units_per_query == Quantity.exact(8.0, "token/query")
    assert prefill.latency.mean == pooled_rate([6.0, 8.0], [2, 2], "ms")
    assert decode.latency.mean == pooled_rate([16.0, 15.0], [2, 2], "ms")
    assert prefill.time_per_unit == pooled_rate([6.0, 8.0], [16, 16], "ms/token")
    assert decode.time_per_unit == pooled_rate([16.0, 15.0], [8, 8], "ms/token")
    assert prefill.units_per_second == pooled_rate([16, 16], [0.5, 1.5], "token/s")
    (cpu,) = prefill.energy
    assert (cpu.meter, cpu.domain) == ("plug", "cpu")
    assert cpu.per_query.value == pytest.approx(12.0 / 5)  # of all that were asked
    assert (cpu.per_query.unit, cpu.per_unit.unit) == ("J/query", "J/token")
    assert cpu.per_unit.value == pytest.approx(12.0 / 32)
    assert decode.energy[0].per_unit.value == pytest.approx(24.0 / 16)


def test_the_first_token_comes_when_the_prefill_ends() -> None:
    found = time_to_first_token(two_phases())
    assert found is not None
    assert found.mean == pooled_rate([6.0, 8.0], [2, 2], "ms")

    renamed = measured(
        [block((2.0, 6.0)), block((3.0, 8.0))],
        phases=tuple(
            mark.model_copy(update={"phase": name})
            for mark, name in zip(marks(1, 1, (8, 4)), ("encode", "prefill"), strict=True)
        ),
    )
    both = time_to_first_token(renamed)
    assert both is not None and both.mean == pooled_rate([8.0, 11.0], [1, 1], "ms")
    decoding = tuple(m.model_copy(update={"phase": "decode"}) for m in marks(1, 1, (8, 4)))
    assert time_to_first_token(measured([block((2.0, 6.0))], phases=decoding)) is None


def test_a_round_in_which_all_failed_has_no_latency() -> None:
    ours = measured(
        [block((2.0, 6.0), (4.0, 10.0)), block((3.0, 8.0), error=["no answer"])] * 2,
        phases=marks(1, 1, (8, 4)),
    )
    first = time_to_first_token(ours)
    assert first is not None and first.mean == pooled_rate([6.0, 6.0], [2, 2], "ms")
    prefill, _ = phases(ours)
    assert prefill.latency.mean == first.mean
    assert prefill.time_per_unit.reason is Reason.NOT_MEASURED  # nothing was answered in it
    assert prefill.time_per_unit.detail == "a round had nothing of this phase"


def test_where_all_failed_there_is_nothing_of_a_phase() -> None:
    ours = measured([block((3.0, 8.0), error=["no answer"])] * 2, phases=marks(1, 1, (8, 4)))
    for phase in phases(ours):
        assert phase.units_per_query.reason is Reason.TOO_FEW_SAMPLES
        assert phase.units_per_query.unit == "token/query"


def test_units_that_differ_have_a_mean_between_their_ends() -> None:
    ours = measured(
        [block((2.0, 6.0), units=(8, 4)), block((2.0, 6.0), units=(8, 6))],
        phases=marks(1, 1, (8, 4)),
    )
    prefill, decode = phases(ours)
    assert prefill.units_per_query == Quantity.exact(8.0, "token/query")
    assert decode.units_per_query == Quantity.between(5.0, 4.0, 6.0, "token/query", level=1.0)


def test_a_single_phase_has_the_energy_of_its_round() -> None:
    only = (PhaseWindow(phase="whole", unit="step", seconds=2.0, units=10),)
    blocks = [
        samples([4.0], phase_ns=np.array([[4 * MS]]), phase_units=np.array([[10.0]]))
        for _ in range(2)
    ]
    ours = measured(blocks, phases=only, energy=[(window(30.0),), (window(10.0),)])
    (phase,) = phases(ours)

    assert phase.energy[0].per_query.value == pytest.approx(20.0)
    assert phase.energy[0].per_unit.value == pytest.approx(2.0)
    assert phase.energy[0].per_unit.unit == "J/step"
    assert phase.units_per_second.value == pytest.approx(5.0)


def test_a_round_without_a_unit_or_an_instrument_leaves_a_gap() -> None:
    with_, without = marks(1, 1, (16, 8), 4.0), marks(1, 1, (0, 8))
    ours = measured([block((2.0, 6.0))] * 2, phases=[with_, without])
    prefill, decode = phases(ours)

    assert prefill.energy[0].per_unit.reason is Reason.NOT_MEASURED
    assert prefill.energy[0].per_unit.detail == "no unit of this phase"
    assert prefill.energy[0].per_unit.unit == "J/token"
    assert prefill.energy[0].per_query.detail == "a round had nothing of this phase"
    assert decode.energy[0].per_unit.detail == "a round had nothing of this phase"
    idle = marks(0.0, 1.0, (16, 8))
    timeless, _ = phases(measured([block((2.0, 6.0))] * 2, phases=[with_, idle]))
    assert timeless.units_per_second.reason is Reason.NOT_MEASURED


def test_where_queries_have_no_phases_there_is_none() -> None:
    assert phases(measured([samples([1.0])])) == ()
    assert phases(Measured({}, {})) == ()
