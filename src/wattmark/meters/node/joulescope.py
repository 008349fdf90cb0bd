"""Kind ``joulescope``: a Joulescope JS110 or JS220 between the supply and what is measured.

Read is the energy that the instrument itself accumulates from its samples (JS220: 1 MHz, JS110:
2 MHz) and sends with its statistics, through the maker's package `pyjoulescope_driver`. The JS110
sends them twice a second; the JS220 as often as it is asked to, here ten times.

It measures direct current at low voltage: a board, a Jetson, a drive; not a mains outlet. The
default ``error`` is far above what its maker states, and covers the resistance of the wiring.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from wattmark.contracts import Meter, MeterKind
from wattmark.errors import MeterAccessError, MeterError
from wattmark.meters.node.counting import Counted
from wattmark.meters.node.node_settings import NodeSettings, Seconds, Share
from wattmark.meters.node.pushed import Pushed, Receive

JS110_PERIOD_S = 0.5
JS220_SAMPLES_PER_S = 1_000_000


class JoulescopeSettings(NodeSettings):
    """Settings of ``joulescope``."""

    kind: Literal["joulescope"] = Field(description="joulescope")
    serial: Annotated[str, Field(pattern=r"^[0-9]{4,12}$")] | None = Field(
        None, description="serial number, in quotes; left out: the only one that is plugged in"
    )
    update_period_s: Seconds = Field(
        0.1, description="time between two statistics, s; at least 0.5 for a JS110"
    )
    error: Share = Field(0.01, description="its relative error, such as 1%")


class _Accumulator:
    """The joules that one Joulescope has accumulated: it sends them with its statistics."""

    def __init__(self, settings: JoulescopeSettings) -> None:
        self._settings = settings
        self._driver: Any = None
        self._device = ""

    def open(self, receive: Receive) -> str:
        """Open the instrument and start its statistics. Raises MeterError."""
        try:
            from pyjoulescope_driver import Driver
        except ImportError as error:
            raise MeterError(f"{error}: pip install 'wattmark[joulescope]'") from None
        try:
            self._driver = Driver()
            self._device = self._only(self._driver.device_paths())
            self._driver.open(self._device)
            self._start(receive)
        except (RuntimeError, OSError, TimeoutError) as error:
            raise MeterAccessError(
                f"the Joulescope could not be opened: {error}; is another program using it, and "
                "is the maker's udev rule installed?"
            ) from None
        return self._device

    def close(self) -> None:
        """End the statistics and let go of the instrument."""
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.finalize()

    def _only(self, devices: list[str]) -> str:
        serial = self._settings.serial
        found = [d for d in devices if serial is None or d.rpartition("/")[2] == serial]
        if len(found) == 1:
            return found[0]
        there = ", ".join(devices) or "none"
        if found:
            raise MeterError(f"name one by its `serial`; plugged in: {there}")
        wanted = f"Joulescope {serial}" if serial else "Joulescope"
        raise MeterError(f"no {wanted} is plugged in (found: {there})")

    def _start(self, receive: Receive) -> None:
        old = "js110" in self._device
        if old and self._settings.update_period_s < JS110_PERIOD_S:
            raise MeterError(
                f"a JS110 sends statistics every {JS110_PERIOD_S:g} s: set `update_period_s: "
                f"{JS110_PERIOD_S:g}`"
            )
        if old:
            self._driver.publish(f"{self._device}/s/i/range/select", "auto")
            topic = f"{self._device}/s/sstats/value"
        else:
            samples = round(JS220_SAMPLES_PER_S * self._settings.update_period_s)
            self._driver.publish(f"{self._device}/s/i/range/mode", "auto")
            self._driver.publish(f"{self._device}/s/stats/scnt", samples)
            self._driver.publish(f"{self._device}/s/stats/ctrl", 1)
            topic = f"{self._device}/s/stats/value"

        def on_statistics(topic: str, value: Mapping[str, Any]) -> None:
            receive(value["accumulators"]["energy"]["value"])

        self._driver.subscribe(topic, "pub", on_statistics)


def build(name: str, settings: JoulescopeSettings) -> Meter:
    """The meter of a configured instrument."""
    return Counted(name, settings, Pushed(_Accumulator(settings), settings))


KIND = MeterKind(
    JoulescopeSettings,
    build,
    "bench: {kind: joulescope}",
    "the instrument, and `pip install 'wattmark[joulescope]'`",
)
