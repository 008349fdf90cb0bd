"""A measurement is charged with the cards that it uses: eight cards of 50 to 400 W."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from simulated_nvml import SimulatedNvml, eight_cards

import wattmark
from wattmark.metering import opened, readings, used_gpus
from wattmark.metering.used_gpus import Charging, Work
from wattmark.meters.nvml import Nvml
from wattmark.quantities import Reason
from wattmark.records import EnergyWindow
from wattmark.records.domains import total

SECONDS = 12.0
#: A process of this machine that is none of ours.
STRANGER = 1


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedNvml]:
    """Eight cards that nobody has open, and no meters that are open from before."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    fresh = opened.OpenMeters()
    monkeypatch.setattr(readings, "OPEN_METERS", fresh)
    used_gpus._by_driver.cache_clear()
    simulated = eight_cards()
    simulated.install(monkeypatch)
    yield simulated
    fresh.close()
    assert simulated.sessions == 0


def measured(nvml: SimulatedNvml, **options: Any) -> dict[str, EnergyWindow]:
    with wattmark.measure("12 s", meters=("nvml",), idle=False, **options) as window:
        nvml.work(SECONDS)
    return {energy.domain: energy for energy in window.energy}


def watts(found: dict[str, EnergyWindow]) -> dict[str, float]:
    return {
        domain: round((energy.gross.value or 0) / SECONDS, 3) for domain, energy in found.items()
    }


def opened_by(nvml: SimulatedNvml, card: int, *pids: int) -> None:
    nvml.cards[card] = replace(nvml.cards[card], processes=pids)


@pytest.mark.parametrize(
    ("visible", "charged"),
    [
        ("0", {"gpu:0": 50}),
        ("3,1", {"gpu:1": 100, "gpu:3": 200}),
        ("GPU-66666666-0000", {"gpu:6": 350}),
        ("GPU-7,GPU-2", {"gpu:2": 150, "gpu:7": 400}),
        ("5,99,1", {"gpu:5": 300}),
        ("", {}),
    ],
)
def test_cards_that_the_job_was_given(
    nvml: SimulatedNvml, monkeypatch: pytest.MonkeyPatch, visible: str, charged: dict[str, float]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert watts(measured(nvml)) == charged


def test_the_whole_node_on_request(nvml: SimulatedNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    found = measured(nvml, whole_node=True)
    assert sum(watts(found).values()) == 1800


def test_what_is_open_counts_more_than_what_was_given(
    nvml: SimulatedNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    opened_by(nvml, 2, os.getpid())
    assert watts(measured(nvml)) == {"gpu:2": 150}


def test_a_process_without_a_card_is_charged_with_none(nvml: SimulatedNvml) -> None:
    opened_by(nvml, 4, STRANGER)
    assert measured(nvml) == {}


def test_where_nobody_can_tell_all_cards_count(nvml: SimulatedNvml) -> None:
    nvml.cards = [replace(card, processes=None) for card in nvml.cards]
    assert len(measured(nvml)) == 8


def test_a_child_that_ended_within_the_window_may_have_had_any_card(nvml: SimulatedNvml) -> None:
    with wattmark.measure("a job", meters=("nvml",), idle=False) as window:
        subprocess.run([sys.executable, "-S", "-E", "-c", "sum(range(10**6))"], check=True)
        nvml.work(SECONDS)
    assert len(window.energy) == 8


def test_a_card_of_a_child_counts(nvml: SimulatedNvml) -> None:
    waiting = [sys.executable, "-S", "-E", "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE) as child:
        opened_by(nvml, 5, child.pid)
        assert watts(measured(nvml)) == {"gpu:5": 300}
        child.communicate()


def test_contexts_of_this_process_are_known_in_a_container_that_hides_ids(
    nvml: SimulatedNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(used_gpus, "opened_uuids", lambda: ("33333333-0000",))
    assert watts(measured(nvml)) == {"gpu:3": 200}


@pytest.mark.parametrize("uuid", ["GPU-44444444-0000", "44444444-0000", None])
def test_devices_that_pytorch_uses(
    nvml: SimulatedNvml, monkeypatch: pytest.MonkeyPatch, uuid: str | None
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,4")
    device = SimpleNamespace() if uuid is None else SimpleNamespace(uuid=uuid)
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        device_count=lambda: 2,
        memory_reserved=lambda n: n,  # the second one
        get_device_properties=lambda n: device,
        synchronize=lambda n: None,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert watts(measured(nvml)) == {"gpu:4": 250}


def test_an_index_among_unlike_cards_is_asked_of_the_driver(
    nvml: SimulatedNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvml.cards[7] = replace(nvml.cards[7], name="NVIDIA H100 80GB HBM3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    asked: list[Any] = []

    def fastest_first(variables: Any) -> tuple[str, ...]:
        asked.append(variables)
        return ("77777777-0000",)

    monkeypatch.setattr(used_gpus, "order_in_process", fastest_first)
    assert set(measured(nvml)) == set(measured(nvml)) == {"gpu:7"}
    assert asked == [{"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": None}]


@pytest.mark.parametrize(
    ("pids", "flags"),
    [
        ((os.getpid(),), ()),
        ((os.getpid(), STRANGER), (Reason.SHARED_DEVICE,)),
        ((STRANGER,), (Reason.SHARED_DEVICE,)),
    ],
)
def test_programs_of_others_on_the_card_make_it_an_upper_bound(
    nvml: SimulatedNvml,
    monkeypatch: pytest.MonkeyPatch,
    pids: tuple[int, ...],
    flags: tuple[Reason, ...],
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    opened_by(nvml, 1, *pids)
    opened_by(nvml, 2, STRANGER)  # of no interest
    (card,) = measured(nvml).values()
    assert (card.domain, card.flags) == ("gpu:1", flags)


def test_who_left_the_card_before_the_end_is_seen_at_the_beginning(
    nvml: SimulatedNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    opened_by(nvml, 1, STRANGER)
    with wattmark.measure("x", meters=("nvml",), idle=False) as window:
        nvml.work(SECONDS)
        opened_by(nvml, 1)
    assert window.energy[0].flags == (Reason.SHARED_DEVICE,)


def test_ids_that_mean_nothing_here_are_counted(
    nvml: SimulatedNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(used_gpus, "opened_uuids", lambda: ("33333333-0000",))
    monkeypatch.setattr(used_gpus.processes, "has_loaded", lambda pid, library: True)
    opened_by(nvml, 3, 999_999_991)
    assert measured(nvml)["gpu:3"].flags == ()
    opened_by(nvml, 3, 999_999_991, 999_999_992)
    assert measured(nvml)["gpu:3"].flags == (Reason.SHARED_DEVICE,)


@pytest.mark.parametrize("visible", ["MIG-aa-1", "1", "GPU-11111111-0000"])
def test_of_a_divided_card_the_share_of_a_slice_is_not_known(
    nvml: SimulatedNvml, monkeypatch: pytest.MonkeyPatch, visible: str
) -> None:
    nvml.cards[1] = replace(nvml.cards[1], slices=("MIG-aa-1", "MIG-bb-2"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    (card,) = measured(nvml).values()
    assert (card.domain, card.gross.reason) == ("gpu:1", Reason.DEVICE_DIVIDED)
    assert card.idle_subtracted.reason is card.idle_allocated.reason is Reason.DEVICE_DIVIDED
    assert "a slice (MIG)" in card.gross.detail and "1200 [" in card.gross.detail.replace(
        "\u202f", ""
    )
    whole = measured(nvml, whole_node=True)["gpu:1"]
    assert whole.gross.value == pytest.approx(1200)


def test_a_slice_of_a_card_that_nobody_knows_gives_no_sum(
    nvml: SimulatedNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-99")
    found = measured(nvml)
    whole = total((domain, energy.gross) for domain, energy in found.items())
    assert whole is not None and whole.reason is Reason.DEVICE_DIVIDED


@pytest.mark.parametrize(
    ("uses_gpu", "charged"), [(False, set()), (True, {"gpu:6"}), (None, {"gpu:6"})]
)
def test_a_setup_on_the_processor_is_charged_with_no_card(
    nvml: SimulatedNvml,
    monkeypatch: pytest.MonkeyPatch,
    uses_gpu: bool | None,
    charged: set[str],
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "6")
    with readings.Readings.own([Nvml()]) as meters:
        charging = Charging(meters, Work((os.getpid(),), uses_gpu=uses_gpu))
        charging.begin()
        before = meters.read()
        nvml.work(SECONDS)
        after = meters.read()
        charging.end()
        assert {window.domain for window in meters.energy(before, after)} == charged
        assert len(meters.whole().energy(before, after)) == 8


def test_other_workers_of_a_run_that_wait_are_no_strangers(nvml: SimulatedNvml) -> None:
    waiting = [sys.executable, "-S", "-E", "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE) as other:
        opened_by(nvml, 0, os.getpid(), other.pid)
        alone = Work((os.getpid(),), uses_gpu=True)  # the other is a child of this process
        assert used_gpus.look_at(alone).used.shared == frozenset()
        stranger = Work((other.pid,), uses_gpu=True)
        assert used_gpus.look_at(stranger).used.shared == {"gpu:0"}
        with_company = Work((other.pid,), (os.getpid(),), uses_gpu=True)
        assert used_gpus.look_at(with_company).used.shared == frozenset()
        other.communicate()


def test_repeats_are_charged_alike(nvml: SimulatedNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    opened_by(nvml, 2, STRANGER)
    step = wattmark.measure_repeats(
        "a step", lambda: nvml.work(SECONDS), seconds=1e-6, meters=("nvml",)
    )
    (card,) = step.energy
    assert (card.domain, card.flags) == ("gpu:2", (Reason.SHARED_DEVICE,))
    assert card.per_call.value == pytest.approx(150 * SECONDS)


def test_the_idle_power_of_all_cards_is_kept_and_those_in_use_have_theirs_taken_off(
    nvml: SimulatedNvml, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("WATTMARK_CACHE", str(tmp_path))
    monkeypatch.setattr("wattmark.metering.idle_reading._known", {})
    clock = SimpleNamespace(sleep=nvml.work, monotonic=lambda: nvml.clock_s, time=time.time)
    monkeypatch.setattr("wattmark.metering.idle_reading.time", clock)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    with wattmark.measure("x", meters=("nvml",), idle=True) as window:
        nvml.work(SECONDS)  # at the same 150 W as before
    (card,) = window.energy
    assert card.domain == "gpu:2"
    assert card.idle_subtracted.value == pytest.approx(0.0, abs=0.1)


def test_a_child_in_a_container_that_has_loaded_cuda_may_have_open_what_it_sees(
    nvml: SimulatedNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = [sys.executable, "-S", "-E", "-c", "import sys; sys.stdin.read()"]
    variables = {"CUDA_VISIBLE_DEVICES": "7"}
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, env=variables) as child:
        pid = child.pid
        loaded = lambda asked, library: asked in (pid, os.getpid())  # noqa: E731
        monkeypatch.setattr(used_gpus.processes, "has_loaded", loaded)
        assert watts(measured(nvml)) == {"gpu:7": 400}
        child.communicate()
    assert measured(nvml) == {}  # that this process has loaded it is nothing
