"""What is asked of web services: live signals, Boavizta; from a stand-in on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from wattmark.errors import ImpactError, SignalError
from wattmark.factors import boavizta
from wattmark.factors import live_signals as live
from wattmark.factors.zones import find_zone
from wattmark.impact.site import Site
from wattmark.workflows.placing import place

MAPS = "/v3/carbon-intensity/latest"
UK = "/intensity"


class Service:
    """``answers`` maps a path to (status, document); ``asked`` has (path, token) of each."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, str | None]] = []


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    found = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append((self.path, self.headers.get("auth-token")))
            status, document = found.answers.get(self.path.split("?")[0], (404, {}))
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv(live.ELECTRICITY_MAPS_URL, url)
        monkeypatch.setenv(live.UK_URL, url)
        monkeypatch.setenv(boavizta.URL, url)
        monkeypatch.delenv(live.TOKEN, raising=False)
        yield found
        server.shutdown()


def test_electricity_maps_is_asked_for_the_zone_with_the_token(service, monkeypatch) -> None:
    monkeypatch.setenv(live.TOKEN, "secret")
    service.answers[MAPS] = (
        200,
        {
            "carbonIntensity": 31,
            "datetime": "2026-11-24T10:00:00.000Z",
            "isEstimated": True,
        },
    )
    found = live.carbon_now(find_zone("SE3"))
    assert service.asked == [(f"{MAPS}?zone=SE-SE3", "secret")]
    assert found.quantity.bounds()[1] == 0.031
    assert "2026-11-24T10:00" in found.name
    assert "estimated" in found.note


@pytest.mark.parametrize(("actual", "grams"), [(180, 180), (None, 200)])
def test_great_britain_needs_no_token(service, actual, grams) -> None:
    intensity = {"forecast": 200, "actual": actual, "index": "moderate"}
    service.answers[UK] = 200, {"data": [{"from": "2026-11-24T10:00Z", "intensity": intensity}]}
    found = live.carbon_now(find_zone("GB"))
    assert found.quantity.to("g/kWh").bounds()[1] == pytest.approx(grams)
    assert ("forecast" in found.note) == (actual is None)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {}), "the token was refused"),
        ((500, {}), "status 500"),
        ((200, {"zone": "FR"}), "in a form that cannot be read"),
        ((200, b"<html>"), "cannot be read"),
        ((200, {"carbonIntensity": -3, "datetime": "2026"}), "no grid has"),
    ],
)
def test_without_a_signal_the_yearly_average_stands_in_and_it_is_said(
    service, monkeypatch, answer, said
) -> None:
    monkeypatch.setenv(live.TOKEN, "secret")
    service.answers[MAPS] = answer
    with pytest.raises(SignalError, match=said):
        live.carbon_now(find_zone("FR"))
    average = place(Site(region="FR"))[0].carbon
    placed, remarks = place(Site(region="FR"), now=True)
    assert placed.carbon == average
    assert len(remarks) == 1 and "Yearly average" in remarks[0] and said in remarks[0]


def test_a_zone_without_any_signal_names_the_token(service) -> None:
    with pytest.raises(SignalError, match=live.TOKEN):
        live.carbon_now(find_zone("FR"))
    assert service.asked == []


def test_a_boavizta_of_ones_own_is_asked_for_a_server(service) -> None:
    service.answers["/v1/server/"] = (
        200,
        {
            "impacts": {
                "gwp": {
                    "unit": "kgCO2eq",
                    "embedded": {"value": 900.0, "min": 500.0, "max": 1500.0},
                },
                "pe": {"unit": "MJ", "embedded": "not implemented"},
            }
        },
    )
    (placed,) = place(Site(devices=("boavizta/compute_medium:2",)))[0].devices
    assert "archetype=compute_medium" in service.asked[0][0]
    assert placed.count == 2
    assert placed.device.carbon.quantity.bounds() == (500.0, 900.0, 1500.0)
    assert not placed.device.primary_energy.quantity.known
    assert placed.lifetime.quantity.bounds()[1] == 4


def test_a_boavizta_that_does_not_answer_is_an_error_of_the_device(service, monkeypatch) -> None:
    with pytest.raises(ImpactError, match=r"device: .*status 404"):
        place(Site(devices=("boavizta/compute_medium",)))
    monkeypatch.delenv(boavizta.URL)
    with pytest.raises(ImpactError, match="needs BOAVIZTA_URL"):
        place(Site(devices=("boavizta/compute_medium",)))
