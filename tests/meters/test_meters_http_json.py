"""A smart plug or lab meter over HTTP, simulated on loopback."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import InputError, MeterError
from wattmark.meters.node.http_json import number_at, steps
from wattmark.quantities import Grade, Reason
from wattmark.records import MeterReading

PLUG = {"id": 0, "output": True, "apower": 151.5, "aenergy": {"total": 12.345}}


def plug(device, **settings) -> dict:
    device.answers.setdefault("/rpc/status", PLUG)
    return {
        "kind": "http-json",
        "url": f"{device.url}/rpc/status?id=0",
        "path": "apower",
        "unit": "W",
        "update_period_s": 0.02,
    } | settings


def counter(device, **settings) -> dict:
    wh = {"path": "aenergy.total", "unit": "Wh", "step": 0.001, "update_period_s": 1}
    return plug(device, **(wh | settings))


def refusal(meter) -> str:
    """What probe says; opening must say the same."""
    found = meter.probe()
    assert not found.available
    with pytest.raises(MeterError) as raised:
        meter.open(cores=1)
    meter.close()
    assert str(raised.value) == found.detail
    return found.detail


@pytest.mark.usefixtures("no_gap")
def test_a_plug_in_watts_is_polled_and_integrated(device, configure):
    meter = configure(plug(device, error="2%"))
    info = meter.open(cores=1)
    before = meter.read()
    after = before.model_copy(update={"time_ns": before.time_ns + 250_000_000})
    (window,) = meter.energy(before, after)
    meter.close()
    assert (info.name, info.domains, info.grade) == ("mine", ("node",), Grade.METERED)
    # 151.5 W for 0.25 s, and the error of 2 %
    assert window.gross.value == pytest.approx(151.5 * 0.25)
    assert window.gross.low == pytest.approx(151.5 * 0.25 / 1.02)
    assert window.gross.high == pytest.approx(151.5 * 0.25 / 0.98)
    assert window.gross.grade is Grade.METERED


def test_a_cumulative_figure_is_a_counter_with_steps(device, configure):
    meter = configure(counter(device, error="1%"))
    info = meter.open(cores=1)
    before = meter.read()
    device.answers["/rpc/status"] = {"aenergy": {"total": 12.445}}
    after = meter.read().model_copy(update={"time_ns": before.time_ns + 20 * 10**9})
    (window,) = meter.energy(before, after)
    meter.close()
    assert info.grade is Grade.METERED and window.gross.grade is Grade.METERED
    # 0.1 Wh = 360 J; the edges are 2 x 18 W x 1 s, a step is 3.6 J
    assert window.gross.bounds() == pytest.approx(
        ((360 - 36 - 3.6) / 1.01, 360.0, (360 + 36 + 3.6) / 0.99)
    )


@pytest.mark.parametrize(
    ("last_wh", "reason"),
    [
        (12.345, Reason.WINDOW_TOO_SHORT),  # not one step
        (12.354, Reason.WINDOW_TOO_SHORT),  # nine steps
        (0.5, Reason.COUNTER_RESET),
    ],
)
def test_a_counter_that_went_back_or_moved_too_little_gives_no_figure(
    device, configure, last_wh, reason
):
    meter = configure(counter(device))
    meter.open(cores=1)
    before = meter.read()
    meter.close()
    after = MeterReading(time_ns=before.time_ns + 20 * 10**9, values={"node": last_wh * 3600})
    (window,) = meter.energy(before, after)
    assert (window.gross.value, window.gross.reason) == (None, reason)


def test_a_plug_that_is_lost_within_a_window_gives_the_reason_and_no_figure(device, configure):
    meter = configure(plug(device))
    meter.open(cores=1)
    before = meter.read()
    device.answers["/rpc/status"] = (503, {})
    (window,) = meter.energy(
        before, before.model_copy(update={"time_ns": before.time_ns + 400_000_000})
    )
    meter.close()
    assert window.gross.value is None
    assert window.gross.reason is Reason.SENSOR_LOST
    assert "answered with status 503" in window.gross.detail


def test_a_scale_and_text_numbers(device, configure):
    device.answers["/rpc/status"] = {"state": "1515"}
    meter = configure(plug(device, path="state", scale=0.1))
    meter.open(cores=1)
    assert meter.read().values == {"node": pytest.approx(151.5)}
    meter.close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"power": 3}, "the answer has no apower: it has power"),
        ({"apower": None}, "apower is null, not a number"),
        ({"apower": True}, "apower is bool, not a number"),
        ({"apower": "off"}, "apower is a text that is not a number"),
        ({"apower": "nan"}, "apower is nan, not a finite number"),
        ({"apower": 0}, "shows 0, which nothing that runs can be"),
        ({"apower": -3.0}, "shows -3, which nothing that runs can be"),
        (b"<html>", "did not answer with JSON"),
        (b"", "did not answer with JSON"),
        (b"[" * 100_000, "did not answer with JSON"),
        (b" " * (1 << 21), "more than 1048576 bytes"),
        ((503, {"error": "busy"}), "answered with status 503"),
        ((500, b"oops"), "answered with status 500"),
    ],
)
def test_every_bad_answer_has_a_message_of_its_own(device, configure, answer, said):
    device.answers["/rpc/status"] = answer
    detail = refusal(configure(plug(device)))
    assert detail.startswith("mine")
    assert said in detail
    assert "id=0" not in detail  # a query may hold a key


def test_an_instrument_that_is_not_there(configure, device):
    settings = plug(device, url="http://127.0.0.1:9/status")
    found = configure(settings).probe()
    assert found.reason is Reason.READ_FAILED
    assert "http://127.0.0.1:9/status cannot be reached" in found.detail


def test_an_instrument_that_does_not_answer_in_time(configure, device):
    release = threading.Event()
    device.answers["/rpc/status"] = lambda headers: release.wait(5) and PLUG
    detail = configure(plug(device, timeout_s=0.05)).probe().detail
    release.set()
    assert "did not answer within 0.05 s" in detail


def test_a_redirect_is_not_followed_since_it_would_carry_the_secrets(configure, device):
    device.answers |= {"/rpc/status": (302, b""), "/other": PLUG}
    device.headers["Location"] = f"{device.url}/other"
    assert "redirects to 127.0.0.1" in refusal(configure(plug(device)))
    assert {path for path, _, _ in device.requests} == {"/rpc/status"}


def test_secrets_come_from_the_environment_and_are_never_shown(configure, device, monkeypatch):
    def locked(headers):
        known = headers.get("Authorization") == "Basic bWU6czNjcjN0"  # me:s3cr3t
        return PLUG if known and headers.get("X-Key") == "k3y" else (401, b"")

    device.answers["/rpc/status"] = locked
    settings = plug(device, user="me", password_env="PLUG_PW", headers_env={"X-Key": "PLUG_KEY"})
    meter = configure(settings)
    found = meter.probe()
    assert found.reason is Reason.PERMISSION
    assert "PLUG_KEY is not set" in found.detail

    monkeypatch.setenv("PLUG_KEY", "k3y")
    monkeypatch.setenv("PLUG_PW", "s3cr3t\n")
    assert "PLUG_PW holds a line break" in meter.probe().detail
    monkeypatch.setenv("PLUG_PW", "wr0ng")
    refused = meter.probe()
    assert refused.reason is Reason.PERMISSION
    assert "refused access (status 401)" in refused.detail
    monkeypatch.setenv("PLUG_PW", "s3cr3t")
    assert meter.probe().available
    for text in (found.detail, refused.detail, repr(meter), meter.probe().detail):
        assert "s3cr3t" not in text and "k3y" not in text and "wr0ng" not in text


def test_a_token_is_sent_as_a_bearer(configure, device, monkeypatch):
    monkeypatch.setenv("HOME_TOKEN", "t0k3n")
    assert configure(plug(device, token_env="HOME_TOKEN")).probe().available
    assert device.requests[-1][1]["Authorization"] == "Bearer t0k3n"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "http://me:hunter2@plug/x"}, "must not hold a name or password"),
        ({"url": "file:///etc/passwd"}, "must begin with http"),
        ({"headers": {"Authorization": "Bearer hunter2"}}, "looks like a secret"),
        ({"headers": {"X-Note": "a\r\nB: hunter2"}}, "should match pattern"),
        ({"user": "me"}, "`user` and `password_env` belong together"),
        ({"unit": "Wh"}, "needs `step`"),
        ({"step": 0}, "`step`: Input should be greater than 0"),
        ({"unit": "kW"}, "`unit`: Input should be"),
        ({"path": "a..b"}, "cannot be read from character 2"),
        ({"path": "a[x]"}, "cannot be read from character 2"),
        ({"error": 2}, "write the relative error as 2% or 0.02"),
        ({"error": "0%"}, "`error`: Input should be greater than 0"),
        ({"grade": "parametric"}, "metered, counted or modelled"),
        ({"grade": "modelled"}, "needs `error`"),
        ({"domain": "rack"}, "`domain`"),
        ({"update_period_s": 0}, "`update_period_s`"),
    ],
)
def test_wrong_settings_name_the_key_and_never_the_value(configure, device, wrong, said):
    with pytest.raises(InputError) as raised:
        configure(plug(device) | wrong)
    assert said in str(raised.value)
    assert "meters.yaml: mine: " in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_ways_to_a_number():
    document = {"a": {"b": [{"c": 1}, {"c": 2.5}]}, "x.y": [3], "switch:0": {"w": 4}}
    assert number_at(document, "a.b[1].c") == 2.5
    assert number_at(document, '["x.y"][0]') == 3
    assert number_at(document, "switch:0.w") == 4
    assert number_at([[7]], "[0][0]") == 7
    with pytest.raises(MeterError, match=r"has no a\.b\[2\]: a\.b is a list of 2"):
        number_at(document, "a.b[2].c")
    with pytest.raises(MeterError, match=r"has no a\.b\.c: a\.b is a list of 2"):
        number_at(document, "a.b.c")


@given(st.lists(st.one_of(st.integers(0, 10**6 - 1), st.from_regex(r"[a-z:_-]+", fullmatch=True))))
@settings(derandomize=True, max_examples=200)
def test_a_path_that_is_written_is_read_back(parts):
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in parts).removeprefix(".")
    assert steps(text) == parts
