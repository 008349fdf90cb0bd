"""A server's management controller that speaks Redfish, simulated on loopback."""

from __future__ import annotations

import pytest

from wattmark.quantities import Grade, Reason

ROOT = "/redfish/v1/Chassis"
OLD = {"PowerControl": [{"PowerConsumedWatts": 344, "PowerMetrics": {"IntervalInMin": 30}}]}
NEW = {"PowerWatts": {"Reading": 341.5, "DataSourceUri": "..."}}


def bmc(device, **settings) -> dict:
    return {"kind": "redfish", "url": device.url, "chassis": 1, "update_period_s": 0.02} | settings


@pytest.mark.parametrize(
    ("resources", "watts"),
    [
        ({"Power": OLD}, 344),
        ({"EnvironmentMetrics": NEW}, 341.5),
        ({"Power": OLD, "EnvironmentMetrics": NEW}, 341.5),
        ({"Power": OLD, "EnvironmentMetrics": {"PowerWatts": {"Reading": None}}}, 344),
    ],
)
def test_the_newer_resource_is_read_where_it_has_a_figure(device, configure, resources, watts):
    device.answers |= {f"{ROOT}/1/{name}": document for name, document in resources.items()}
    meter = configure(bmc(device))
    info = meter.open(cores=1)
    assert meter.read().values == {"node": watts}
    meter.close()
    assert (info.domains, info.grade) == (("node",), Grade.COUNTED)


@pytest.mark.usefixtures("no_gap")
def test_nobody_knows_how_long_it_averages_so_the_window_is_flagged(device, configure):
    device.answers[f"{ROOT}/1/Power"] = OLD
    meter = configure(bmc(device))
    meter.open(cores=1)
    before = meter.read()
    (window,) = meter.energy(
        before, before.model_copy(update={"time_ns": before.time_ns + 250_000_000})
    )
    meter.close()
    assert window.flags == (Reason.ALIASING,)
    assert window.gross.bounds() == pytest.approx((86 / 1.1, 86.0, 86 / 0.9))


def test_the_only_chassis_need_not_be_named(device, configure):
    device.answers |= {
        ROOT: {"Members": [{"@odata.id": f"{ROOT}/System.Embedded.1"}]},
        f"{ROOT}/System.Embedded.1/Power": OLD,
    }
    assert "System.Embedded.1" in configure(bmc(device, chassis=None)).probe().detail


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "EnvironmentMetrics"),
        ({f"{ROOT}/1/Power": {"PowerControl": []}}, "has no PowerControl[0]: PowerControl is a"),
        ({f"{ROOT}/1/Power": {"PowerControl": [{"PowerConsumedWatts": None}]}}, "is null"),
        ({f"{ROOT}/1/Power": {"PowerControl": [{"PowerConsumedWatts": 0}]}}, "shows 0"),
    ],
)
def test_a_controller_without_a_reading_says_what_it_lacks(device, configure, answers, said):
    device.answers |= answers
    found = configure(bmc(device)).probe()
    assert found.reason is Reason.READ_FAILED
    assert said in found.detail


def test_several_chassis_are_listed(device, configure):
    device.answers[ROOT] = {"Members": [{"@odata.id": f"{ROOT}/{n}"} for n in ("1", "fans")]}
    assert "has: 1, fans" in configure(bmc(device, chassis=None)).probe().detail


def test_a_login_or_a_session_token_is_sent(device, configure, monkeypatch):
    def locked(headers):
        basic = headers.get("Authorization") == "Basic YWRtaW46cHc="  # admin:pw
        return OLD if basic or headers.get("X-Auth-Token") == "t0k3n" else (401, b"")

    device.answers |= {f"{ROOT}/1/{name}": locked for name in ("Power", "EnvironmentMetrics")}
    assert configure(bmc(device)).probe().reason is Reason.PERMISSION
    monkeypatch.setenv("BMC_PASSWORD", "pw")
    monkeypatch.setenv("BMC_TOKEN", "t0k3n")
    login = bmc(device, user="admin", password_env="BMC_PASSWORD")
    token = bmc(device, token_env="BMC_TOKEN")
    device.answers[f"{ROOT}/1/EnvironmentMetrics"] = (404, b"")
    assert configure(login).probe().available
    assert configure(token).probe().available
    assert "Authorization" not in device.requests[-1][1]
