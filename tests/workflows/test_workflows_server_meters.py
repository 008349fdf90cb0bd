"""The energy of a load is that of the server: of its process on this machine, and its cards."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from simulated_nvml import SimulatedNvml, eight_cards

from wattmark.endpoints.address import Server
from wattmark.errors import InputError
from wattmark.metering import configured, opened, readings
from wattmark.meters.modelled.modelled_cpu import ModelledCpu
from wattmark.quantities import Reason
from wattmark.records import EndpointPlan, EnergyWindow
from wattmark.workflows import server_meters as server_meters_module
from wattmark.workflows.server_meters import server_meters

#: A server whose child does the work, as those with an engine process of their own.
SERVER = """
import os, socket, sys, time
listener = socket.create_server(("127.0.0.1", 0))
if os.fork():
    os.wait()
else:
    print(listener.getsockname()[1], flush=True)
    sys.stdin.readline()
    while time.process_time() < 0.3:
        pass
    print("worked", flush=True)
    sys.stdin.read()
"""


@dataclass
class Serving:
    """A server in a process of its own, and what listens for it."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def work(self) -> None:
        """Have it compute for 0.3 s of CPU time."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"worked\n"


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedNvml]:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    fresh = opened.OpenMeters()
    monkeypatch.setattr(readings, "OPEN_METERS", fresh)
    simulated = eight_cards()
    simulated.install(monkeypatch)
    yield simulated
    fresh.close()


@pytest.fixture
def serving(nvml: SimulatedNvml) -> Iterator[Serving]:
    with subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"CUDA_VISIBLE_DEVICES": "GPU-2"},
    ) as process:
        assert process.stdout is not None
        yield Serving(process, int(process.stdout.readline()))
        process.communicate()


def plan(url: str, **said: Any) -> EndpointPlan:
    said = {"url": url, "api": "openai", "model": "m", "concurrency": 1, **said}
    return EndpointPlan.model_validate(said)


def metered(
    nvml: SimulatedNvml, serving: Serving, **said: Any
) -> tuple[dict[str, EnergyWindow], list[str]]:
    """Windows by domain and flags of a load in which the server works."""
    asked = plan(serving.url, **said)
    with server_meters(asked, Server(asked.url)) as meters:
        meters.begin()
        before = meters.readings.read()
        serving.work()
        nvml.work(12.0)
        after = meters.readings.read()
        meters.end()
        windows = meters.readings.energy(before, after)
        return {window.domain: window for window in windows}, meters.flags(windows)


def test_a_server_is_charged_with_its_card_and_the_cpu_time_of_its_processes(
    nvml: SimulatedNvml, serving: Serving
) -> None:
    own = time.process_time()
    found, flags = metered(nvml, serving)
    own = time.process_time() - own
    assert set(found) == {"gpu:2", "cpu"}
    assert found["gpu:2"].gross.value == pytest.approx(150 * 12.0)
    assert found["cpu"].meter == ModelledCpu.name
    spent = found["cpu"].after.values["cpu_s"] - found["cpu"].before.values["cpu_s"]
    assert spent >= 0.29
    assert found["cpu"].gross.known and found["cpu"].idle_allocated.known
    assert flags == []  # neither the card nor the model holds what the generator took


def test_a_card_that_a_process_of_the_server_has_open(
    nvml: SimulatedNvml, serving: Serving
) -> None:
    child = server_meters_module.process_tree.descendants(serving.process.pid)[0]
    nvml.cards[6] = replace(nvml.cards[6], processes=(child, os.getpid()))
    found, _ = metered(nvml, serving, meters=("nvml",))
    assert set(found) == {"gpu:6"}
    assert found["gpu:6"].flags == (Reason.SHARED_DEVICE,)  # this process is none of the server's


def test_a_server_can_be_named_by_its_process(nvml: SimulatedNvml, serving: Serving) -> None:
    elsewhere = plan("http://127.0.0.1:1", server_pid=serving.process.pid)
    with server_meters(elsewhere, Server(elsewhere.url)) as meters:
        assert meters.roots == (serving.process.pid,)
    by_name = plan("http://my-server:8000", server_pid=serving.process.pid)
    with server_meters(by_name, Server(by_name.url)) as meters:
        assert meters.here and meters.readings.names == ("nvml", "modelled-cpu")


def test_the_whole_node_on_request(nvml: SimulatedNvml, serving: Serving) -> None:
    found, _ = metered(nvml, serving, whole_node=True)
    assert len(found) == 9


def test_a_server_that_is_not_found_has_an_upper_bound_of_all_cards(nvml: SimulatedNvml) -> None:
    asked = plan("http://127.0.0.1:1")
    with server_meters(asked, Server(asked.url)) as meters:
        meters.begin()
        before = meters.readings.read()
        nvml.work(12.0)
        meters.end()
        windows = meters.readings.energy(before, meters.readings.read())
        assert {w.domain for w in windows} == {f"gpu:{n}" for n in range(8)}
        assert all(w.flags == (Reason.SHARED_DEVICE,) for w in windows)
        assert meters.flags(windows) == ["server_not_found"]


def test_a_server_that_ends_under_the_load_leaves_a_reason(
    nvml: SimulatedNvml, serving: Serving
) -> None:
    asked = plan(serving.url)
    with server_meters(asked, Server(asked.url)) as meters:
        meters.begin()
        before = meters.readings.read()
        nvml.work(12.0)
        serving.process.communicate()
        meters.end()
        windows = meters.readings.energy(before, meters.readings.read())
    by_domain = {window.domain: window for window in windows}
    assert by_domain["gpu:2"].gross.value == pytest.approx(1800)
    assert by_domain["cpu"].gross.reason is Reason.SENSOR_LOST
    assert f"process {serving.process.pid} has ended, or is hidden" in by_domain["cpu"].gross.detail


def test_a_counter_of_the_processor_holds_the_generator_too(
    nvml: SimulatedNvml, serving: Serving
) -> None:
    found, _ = metered(nvml, serving, meters=("modelled-cpu",))
    counted = found["cpu"].model_copy(update={"meter": "rapl"})
    asked = plan(serving.url)
    with server_meters(asked, Server(asked.url)) as meters:
        assert meters.flags([counted]) == ["generator_in_energy"]
    with server_meters(plan(serving.url, server_pid=os.getpid()), Server(serving.url)) as meters:
        assert meters.flags([found["cpu"]]) == ["generator_in_energy"]  # one process is both


def test_who_only_passes_connections_on_is_not_the_server(
    nvml: SimulatedNvml, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_meters_module.processes, "command_of", lambda pid: "docker-proxy")
    asked = plan(serving.url)
    with server_meters(asked, Server(asked.url)) as meters:
        assert meters.roots == () and meters.flags([]) == ["server_not_found"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"meters": ("modelled-dram",)}, "load generator and not the server"),
        ({"meters": ("modelled-cpu",)}, "the server's was not found: name it"),
        ({"server_pid": 999_999_999}, "there is no process 999999999"),
    ],
)
def test_what_cannot_meter_a_server_is_refused(
    nvml: SimulatedNvml, said: dict[str, Any], told: str
) -> None:
    asked = plan("http://127.0.0.1:1", **said)
    with pytest.raises(InputError, match=told), server_meters(asked, Server(asked.url)):
        pass


def test_another_machine_is_metered_by_what_is_configured_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    afar = plan("http://192.0.2.1:8000")
    with server_meters(afar, Server(afar.url)) as meters:
        assert meters.readings.names == () and meters.flags([]) == []
    monkeypatch.setattr(configured, "names", lambda: [])
    named = plan("http://192.0.2.1:8000", meters=("nvml",))
    with (
        pytest.raises(InputError, match="looks at this machine and not at"),
        server_meters(named, Server(named.url)),
    ):
        pass
