"""Instruments that send by themselves: their newest figure, with its time, until it is stale."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest

from wattmark.contracts import MeterKind, Timed
from wattmark.errors import MeterError
from wattmark.metering.readings import Readings
from wattmark.meters.node import pushed
from wattmark.meters.node.counting import Counted
from wattmark.meters.node.figure import Watts
from wattmark.meters.node.node_settings import NodeSettings
from wattmark.meters.node.pushed import Pushed, Receive
from wattmark.meters.polling import Polled
from wattmark.quantities import Reason

S = 10**9
SETTINGS = NodeSettings(kind="plug", update_period_s=1.0, error=0.02)


class PushingPlug:
    """Draws 60 W and sends its joules once a second of its own clock, while it is plugged in."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.plugged_in = True
        self.every_ns = S
        self.opened = self.closed = 0

    def open(self, receive: Receive) -> str:
        self.opened += 1
        self.receive = receive
        self.receive(1.0)
        return "the plug"

    def close(self) -> None:
        self.closed += 1

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        end_ns = self.now_ns + int(seconds * S)
        while (next_ns := (self.now_ns // self.every_ns + 1) * self.every_ns) <= end_ns:
            self.now_ns = next_ns
            if self.plugged_in:
                self.receive(1.0 + 60.0 * next_ns / S)
        self.now_ns = end_ns


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> PushingPlug:
    found = PushingPlug()
    monkeypatch.setattr(pushed, "time", SimpleNamespace(monotonic_ns=lambda: found.now_ns))
    return found


def test_a_figure_has_the_time_at_which_it_arrived(plug: PushingPlug) -> None:
    figure = Pushed(plug, SETTINGS, factor=3600.0)
    assert figure.open() == "the plug"
    plug.wait(2.5)

    assert figure.read() == Timed(121.0 * 3600.0, 2 * S)


def test_an_instrument_that_fell_silent_is_not_read_as_one_that_stands_still(
    plug: PushingPlug,
) -> None:
    figure = Pushed(plug, SETTINGS)
    figure.open()
    plug.plugged_in = False
    plug.wait(2.0)
    figure.read()
    plug.wait(0.1)
    with pytest.raises(MeterError, match=r"the plug has sent nothing for 2\.1 s"):
        figure.read()


def test_a_window_that_ends_in_silence_is_missing_with_the_reason(plug: PushingPlug) -> None:
    with Readings.own([Counted("plug", SETTINGS, Pushed(plug, SETTINGS))]) as opened:
        before = opened.read()
        plug.wait(20)
        after = opened.read()
        plug.plugged_in = False
        plug.wait(20)
        silent = opened.read()

    (window,) = opened.energy(before, after)
    assert window.gross.value == 1200.0
    (lost,) = opened.energy(after, silent)
    assert lost.gross.reason is Reason.SENSOR_LOST
    assert "has sent nothing for 20.0 s" in lost.gross.detail


def test_a_figure_that_nothing_can_have_used_costs_the_windows_that_it_bounds(
    plug: PushingPlug,
) -> None:
    limited = SETTINGS.model_copy(update={"max_power_w": 2000.0})
    for settings, spike_j in ((limited, 1e5), (SETTINGS, 3.7e12)):
        with Readings.own([Counted("plug", settings, Pushed(plug, settings))]) as opened:
            rows = [opened.read()]
            plug.wait(20)
            plug.receive(spike_j)
            rows.append(opened.read())
            for _ in range(2):
                plug.wait(20)
                rows.append(opened.read())
            held, back, clean = (opened.energy(*rows[i : i + 2])[0].gross for i in range(3))
        assert held.reason is Reason.READ_FAILED and "no device that it counts" in held.detail
        assert back.reason is Reason.COUNTER_RESET
        assert clean.value == 1200.0


@pytest.mark.parametrize("every_s", [1.0, 1.7, 2.0])  # on time, late, and every second one lost
@pytest.mark.parametrize(("start_s", "length_s"), [(0.0, 20.0), (0.9, 20.2), (1.99, 15.3)])
def test_the_interval_holds_the_window_that_was_asked_for(
    plug: PushingPlug, every_s: float, start_s: float, length_s: float
) -> None:
    """The figures are older than the edges of the window, each by something else."""
    plug.every_ns = int(every_s * S)
    with Readings.own([Counted("plug", SETTINGS, Pushed(plug, SETTINGS))]) as opened:
        plug.wait(start_s)
        before = opened.read()
        plug.wait(length_s)
        (window,) = opened.energy(before, opened.read())

    low, _, high = window.gross.bounds()
    assert low <= 60.0 * length_s <= high


def test_a_poll_that_finds_the_same_figure_again_adds_no_sample(plug: PushingPlug) -> None:
    source = Watts("plug", SETTINGS, Pushed(plug, SETTINGS), SETTINGS.sensor)
    meter = Polled(source, poll_period_s=60.0)
    meter.open(cores=1)
    for _ in range(4):
        plug.wait(0.5)
        meter._poll()
    meter.close()

    assert meter.samples("node", 0) == ((0, 1.0), (S, 61.0), (2 * S, 121.0))


@pytest.mark.parametrize("sent", [b"on", "nan", float("inf"), ""])
def test_what_is_no_number_is_told_until_the_next_figure(
    plug: PushingPlug, sent: str | bytes | float
) -> None:
    figure = Pushed(plug, SETTINGS)
    figure.open()
    figure.receive(sent)
    with pytest.raises(MeterError, match="which is not a finite number"):
        figure.read()
    figure.receive(b" 5.5 ")
    assert figure.read().value == 5.5


def test_opening_waits_for_the_first_figure_from_the_instruments_thread() -> None:
    asked = Event()

    class Slow:
        def open(self, receive: Receive) -> str:
            def send() -> None:
                asked.wait()
                receive(7.0)

            Thread(target=send, daemon=True).start()
            asked.set()
            return "slow"

        def close(self) -> None:
            pass

    figure = Pushed(Slow(), SETTINGS.model_copy(update={"timeout_s": 60.0, "update_period_s": 60}))
    figure.open()
    assert figure.read().value == 7.0


def test_one_that_sends_nothing_is_closed_again() -> None:
    class Silent(PushingPlug):
        def open(self, receive: Receive) -> str:
            return "the silent plug"

    silent = Silent()
    figure = Pushed(silent, SETTINGS.model_copy(update={"timeout_s": 0.01}))
    with pytest.raises(MeterError, match=r"the silent plug sent nothing within 0\.01 s"):
        figure.open()
    assert silent.closed == 1
    with pytest.raises(MeterError, match="not open"):
        figure.read()


def test_the_instrument_of_the_document_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """``docs/meters.md``, with a broker that stands in for the real one."""

    class Client:
        def __init__(self, version: object) -> None:
            pass

        def connect(self, host: str) -> None:
            if host != "broker.local":
                raise OSError("name or service not known")

        def loop_start(self) -> None:
            self.on_connect(self, None, {}, 0, None)

        def subscribe(self, topic: str) -> None:
            assert topic == "plug/power"
            self.on_message(self, None, SimpleNamespace(payload=b"61.5"))

        def disconnect(self) -> None:
            pass

        def loop_stop(self) -> None:
            pass

    paho = SimpleNamespace(Client=Client, CallbackAPIVersion=SimpleNamespace(VERSION2=2))
    for name in ("paho", "paho.mqtt"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace())
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", paho)
    document = (Path(__file__).parents[2] / "docs/meters.md").read_text(encoding="utf-8")
    (example,) = (
        code for code in re.findall(r"```python\n(.*?)```", document, re.DOTALL) if "mqtt" in code
    )
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "docs/meters.md", "exec", dont_inherit=True), namespace)
    kind: MeterKind = namespace["KIND"]

    def meter(broker: str) -> Polled:
        entry = {"kind": "mqtt", "broker": broker, "topic": "plug/power", "update_period_s": 60}
        found = kind.build("lab-plug", kind.settings.model_validate(entry))
        assert isinstance(found, Polled)
        return found

    lab = meter("broker.local")
    assert lab.probe().available
    lab.open(cores=1)
    assert lab.read().values == {"node": 61.5}
    lab.close()
    assert "no broker at elsewhere" in meter("elsewhere").probe().detail
