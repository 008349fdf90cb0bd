"""A Prometheus that knows a PDU or Kepler, simulated on loopback."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from simulated_device import NOW_S

from wattmark.errors import MeterError
from wattmark.quantities import Grade, Reason

QUERY = "/api/v1/query"


def vector(*values: str, age_s: float = 0.0) -> Callable[[object], dict]:
    """The answer with these elements, sampled ``age_s`` before it is asked for."""

    def answer(_: object = None) -> dict:
        stamp = NOW_S - age_s
        result = [
            {"metric": {"outlet": str(i)}, "value": [stamp, value]}
            for i, value in enumerate(values)
        ]
        return {"status": "success", "data": {"resultType": "vector", "result": result}}

    return answer


def scalar(value: str) -> Callable[[object], dict]:
    def answer(_: object) -> dict:
        data = {"resultType": "scalar", "result": [NOW_S, value]}
        return {"status": "success", "data": data}

    return answer


def pdu(device, **settings) -> dict:
    return {
        "kind": "prometheus",
        "url": device.url + "/",
        "query": "sum(pdu_watts{outlet='3'})",
        "unit": "W",
        "error": "3%",
    } | settings


@pytest.mark.parametrize("answer", [vector("420.5"), scalar("420.5")])
def test_a_query_in_watts(device, configure, answer):
    device.answers[QUERY] = answer
    meter = configure(pdu(device))
    info = meter.open(cores=1)
    assert meter.read().values == {"node": 420.5}
    meter.close()
    assert (info.domains, info.grade, info.update_period_s) == (("node",), Grade.METERED, 15.0)
    assert device.requests[0][2] == {"query": ["sum(pdu_watts{outlet='3'})"]}


def test_a_counter_in_joules_of_kepler_is_as_good_as_the_settings_say(device, configure):
    settings = pdu(device, query="sum(kepler_node_joules_total)", unit="J", grade="modelled")
    meter = configure(settings | {"error": "30%", "update_period_s": 3})
    device.answers[QUERY] = vector("1000")
    meter.open(cores=1)
    before = meter.read()
    device.answers[QUERY] = vector("7000")
    after = meter.read().model_copy(update={"time_ns": before.time_ns + 60 * 10**9})
    (window,) = meter.energy(before, after)
    meter.close()
    # 6 kJ in 60 s, two edges of 3 s at 100 W, an error of 30 %
    assert window.gross.bounds() == pytest.approx((5400 / 1.3, 6000, 6600 / 0.7))
    assert window.gross.grade is Grade.MODELLED


def test_a_restarted_exporter_is_a_counter_that_was_reset(device, configure):
    meter = configure(pdu(device, unit="kWh", update_period_s=1))
    device.answers[QUERY] = vector("2.0")
    meter.open(cores=1)
    before = meter.read()
    device.answers[QUERY] = vector("0.001")
    after = meter.read().model_copy(update={"time_ns": before.time_ns + 60 * 10**9})
    (window,) = meter.energy(before, after)
    meter.close()
    assert before.values == {"node": 7.2e6}
    assert window.gross.reason is Reason.COUNTER_RESET


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (vector("1", "2", "3"), "gives 3 series, not one number: add them up with sum(...)"),
        (vector(), "has no sample for the query: its exporter is down"),
        (vector("NaN"), "gives NaN: the exporter has no figure now"),
        (vector("+Inf"), "gives inf"),
        (vector("0"), "shows 0, which nothing that runs can be"),
        (vector("5", age_s=100), "s old, more than 45 s"),
        (
            (400, {"status": "error", "errorType": "bad_data", "error": "parse error at char 5"}),
            "refused the query (bad_data): parse error at char 5",
        ),
        ((503, {"status": "error", "errorType": "timeout", "error": "busy"}), "(timeout): busy"),
        (
            {"status": "success", "data": {"resultType": "matrix", "result": []}},
            "gives a matrix, not one number now",
        ),
        ({"status": "success"}, "in a form that cannot be read"),
        ({"status": "success", "data": {"resultType": "scalar", "result": [1]}}, "cannot be read"),
        ({"hello": 1}, "did not answer as Prometheus does"),
        ([], "did not answer as Prometheus does"),
        ((502, b"<html>bad gateway"), "answered with status 502"),
    ],
)
def test_every_bad_answer_has_a_message_of_its_own(device, configure, answer, said):
    device.answers[QUERY] = answer
    meter = configure(pdu(device))
    found = meter.probe()
    assert found.reason is Reason.READ_FAILED
    assert said in found.detail
    with pytest.raises(MeterError) as raised:
        meter.open(cores=1)
    assert str(raised.value) == found.detail


def test_the_age_of_a_sample_is_by_the_servers_clock(device, configure):
    device.answers[QUERY] = vector("420", age_s=3600)
    assert not configure(pdu(device)).probe().available
    device.late_s = 3600
    assert configure(pdu(device)).probe().available


def test_an_exporter_that_keeps_silent_is_found_by_its_age(device, configure):
    ages = iter(["3", "61"])
    watts = {"sum(w)": vector("420"), "age": lambda: vector(next(ages))()}
    device.answers[QUERY] = lambda headers: watts[device.requests[-1][2]["query"][0]]()
    meter = configure(pdu(device, query="sum(w)", age_query="age", max_age_s=60))
    assert meter.probe().available
    assert "61 s old, more than 60 s" in meter.probe().detail


def test_a_prometheus_that_is_not_there(configure, device):
    found = configure(pdu(device, url="http://127.0.0.1:9")).probe()
    assert found.reason is Reason.READ_FAILED
    assert "mine: http://127.0.0.1:9/api/v1/query cannot be reached" in found.detail
