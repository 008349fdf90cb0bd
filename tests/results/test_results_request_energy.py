"""What single requests bore of a round's energy."""

from __future__ import annotations

import numpy as np
import pytest
import windows_of_rounds
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.conduct.recorder import Samples
from wattmark.metrology.counters import window_without_idle
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import MeterReading, Round
from wattmark.results.measurement import Measured
from wattmark.results.request_energy import request_energy, round_shares


def a_round(*energy: tuple[str, Quantity]) -> Round:
    """A round with the gross energy of each domain."""
    reading = MeterReading(time_ns=0, values={})
    windows = [
        window_without_idle("m", domain, gross, reading, reading) for domain, gross in energy
    ]
    return windows_of_rounds.a_round(*windows)


def samples(batch: list[int], took_ns: list[int]) -> Samples:
    n = len(batch)
    return Samples(
        query=np.arange(n, dtype=np.int32),
        start_ns=np.zeros(n, np.int64),
        latency_ns=np.ones(n, np.int64),
        prediction=[""] * n,
        score=np.zeros(n),
        error=[None] * n,
        batch=np.array(batch, np.int32),
        batch_ns=np.array([took_ns[b] for b in batch], np.int64),
    )


def joules(value: float) -> Quantity:
    return Quantity.between(value, value * 0.9, value * 1.2, "J", level=0.95, grade=Grade.MODELLED)


def test_a_call_is_paid_by_its_time_and_its_requests_pay_alike() -> None:
    shares = round_shares(a_round(("cpu", joules(8.0))), samples([0, 0, 0, 1], [30, 10]))
    assert shares is not None
    assert [share.value for share in shares.shares] == [2.0, 2.0, 2.0, 2.0]
    assert (shares.rule, shares.batches) == ("equal", "by duration")


@settings(derandomize=True, deadline=None)
@given(
    st.floats(1e-3, 1e6),
    st.lists(st.integers(0, 4), min_size=1, max_size=40),
    st.lists(st.integers(1, 10**9), min_size=5, max_size=5),
)
def test_the_shares_add_up_to_what_was_metered_exactly(total, batch, took_ns) -> None:
    shares = round_shares(a_round(("cpu", joules(total))), samples(batch, took_ns))
    assert shares is not None
    assert sum(share.value for share in shares.shares if share.value) == total


def test_domains_are_added_and_a_node_holds_them_all() -> None:
    both = round_shares(a_round(("cpu", joules(3.0)), ("dram", joules(1.0))), samples([0], [5]))
    node = round_shares(a_round(("cpu", joules(3.0)), ("node", joules(9.0))), samples([0], [5]))
    assert both is not None and node is not None
    assert (both.shares[0].value, node.shares[0].value) == (4.0, 9.0)


def test_percentiles_over_rounds_hold_the_meters_interval() -> None:
    batch = [n // 2 for n in range(40)]
    done = a_round(("cpu", joules(40.0)))
    ours = Measured({0: done, 1: done}, {n: samples(batch, [7] * 20) for n in (0, 1)})
    found = request_energy(ours)
    assert found is not None
    assert (found.p50.value, found.p50.unit, found.rule) == (1.0, "J/query", "equal")
    assert found.p50.low == pytest.approx(0.9) and found.p50.high == pytest.approx(1.2)
    assert found.p50.grade is Grade.MODELLED
    assert found.p99.reason is Reason.TOO_FEW_SAMPLES


def test_what_is_missing_stays_missing_and_old_records_have_none() -> None:
    gone = Quantity.missing("J", Reason.SENSOR_LOST)
    lost = request_energy(Measured({0: a_round(("cpu", gone))}, {0: samples([0], [5])}))
    assert lost is not None and lost.p50.reason is Reason.SENSOR_LOST
    assert request_energy(Measured({0: a_round()}, {0: samples([0], [5])})) is None
    old = samples([], [])
    assert request_energy(Measured({0: a_round(("cpu", joules(1.0)))}, {0: old})) is None
