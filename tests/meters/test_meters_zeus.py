"""The zeus adapter on simulated devices; and our NVML and RAPL against zeus's on one fake each.

A machine has no AMD GPU, Apple chip or Jetson while it is tested, so that the devices are objects
with the calls of zeus's own classes, and its measurements are zeus's own data classes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import MeterError
from wattmark.meters import zeus as adapter
from wattmark.meters.nvml import Nvml
from wattmark.meters.rapl import Rapl
from wattmark.meters.zeus import Zeus
from wattmark.metrology.sensor_classes import uncalibrated_counter
from wattmark.quantities import Grade, Reason

pytest.importorskip("zeus.device")


def between(meter, seconds: float) -> tuple:
    before = meter.read()
    after = meter.read()
    later = after.model_copy(update={"time_ns": before.time_ns + round(seconds * 1e9)})
    return meter.energy(before, later)


class SimulatedAmdGpu:
    """One of zeus's AMD GPUs; ``millijoules`` None: a counter that zeus does not trust."""

    def __init__(self, index: int, millijoules: list[int] | None) -> None:
        self.gpu_index = index
        self._values = None if millijoules is None else iter(millijoules)

    def get_name(self) -> str:
        return "AMD Instinct MI300X"

    def supports_get_total_energy_consumption(self) -> bool:
        return self._values is not None

    def get_total_energy_consumption(self) -> int:
        from zeus.device.gpu.common import ZeusGPULostError

        try:
            return next(self._values)
        except StopIteration:
            raise ZeusGPULostError("gone") from None


class SimulatedChip:
    """One of zeus's SoC objects, giving these measurements one by one, the last for good."""

    def __init__(self, *samples) -> None:
        self._samples = list(samples)

    def get_total_energy_consumption(self):
        return self._samples.pop(0) if len(self._samples) > 1 else self._samples[0]


@pytest.fixture
def amd(monkeypatch):
    from zeus.device.gpu import amd as zeus_amd

    def put(*gpus: SimulatedAmdGpu) -> None:
        monkeypatch.setattr(adapter, "signs", lambda: ("AMD GPU",))
        monkeypatch.setattr(zeus_amd, "amdsmi_is_available", lambda: True)
        monkeypatch.setattr(zeus_amd, "AMDGPUs", lambda: SimpleNamespace(gpus=gpus))

    return put


@pytest.fixture
def chip(monkeypatch):
    from zeus.device import soc

    def put(sign: str, *samples) -> None:
        monkeypatch.setattr(adapter, "signs", lambda: (sign,))
        monkeypatch.setattr(soc, "_soc", SimulatedChip(*samples))

    return put


def test_amd_gpus_are_counted(amd):
    amd(SimulatedAmdGpu(0, [0, 1_000, 501_000]), SimulatedAmdGpu(3, [0, 0, 100_000]))
    meter = Zeus()
    info = meter.open(cores=1)
    first, second = between(meter, 5.0)
    meter.close()
    assert (info.domains, info.grade) == (("gpu:0", "gpu:3"), Grade.COUNTED)
    # 500 J in 5 s: edges of 2 x 100 W x 0.1 s, gain and offset of a card that nobody has compared
    card = uncalibrated_counter(0.1)
    assert first.gross.bounds() == pytest.approx(
        (
            (480 - 5 * card.offset_high_w) / card.gain_high,
            500.0,
            (520 - 5 * card.offset_low_w) / card.gain_low,
        )
    )
    assert (second.domain, second.gross.value) == ("gpu:3", 100.0)


def test_an_amd_gpu_whose_counter_zeus_does_not_trust_says_so(amd):
    amd(SimulatedAmdGpu(0, None), SimulatedAmdGpu(1, [0, 0, 9_000]))
    meter = Zeus()
    assert meter.open(cores=1).domains == ("gpu:1",)
    old, new = between(meter, 5.0)
    assert (old.gross.value, old.gross.reason) == (None, Reason.NO_ENERGY_COUNTER)
    assert new.gross.value == 9.0
    amd(SimulatedAmdGpu(0, None))
    assert Zeus().probe().reason is Reason.NO_ENERGY_COUNTER


def test_an_amd_gpu_that_is_lost_or_reset_gives_no_figure(amd):
    amd(SimulatedAmdGpu(0, [0, 0]), SimulatedAmdGpu(1, [0, 5_000, 1_000]))
    meter = Zeus()
    meter.open(cores=1)
    reasons = [w.gross.reason for w in between(meter, 5.0)]
    assert reasons == [Reason.READ_FAILED, Reason.COUNTER_RESET]
    with pytest.raises(MeterError, match="zeus could not read any device: gone"):
        meter.read()


def test_an_apple_chip_gives_cpu_memory_and_gpu(chip):
    from zeus.device.soc.apple import AppleSiliconMeasurement

    start = AppleSiliconMeasurement(cpu_total_mj=1_000, dram_mj=500, gpu_mj=0, ane_mj=7)
    end = AppleSiliconMeasurement(cpu_total_mj=41_000, dram_mj=4_500, gpu_mj=20_000, ane_mj=9)
    chip("Apple silicon", *[start] * 4, end)
    meter = Zeus()
    info = meter.open(cores=1)
    windows = {w.domain: w.gross for w in between(meter, 4.0)}
    assert info.domains == ("cpu", "dram", "gpu:0")
    assert {domain: gross.value for domain, gross in windows.items()} == {
        "cpu": 40.0,
        "dram": 4.0,
        "gpu:0": 20.0,
    }
    # 40 J in 4 s: edges of 2 x 10 W x 0.1 s; estimates, says Apple, so a wide gain
    assert windows["cpu"].bounds() == pytest.approx((38 / 1.25, 40.0, 42 / 0.75))


def test_a_jetson_gives_its_rails_and_its_supply(chip):
    from zeus.device.soc.jetson import JetsonMeasurement

    start = JetsonMeasurement(cpu_energy_mj=0.0, total_energy_mj=0.0)
    end = JetsonMeasurement(cpu_energy_mj=5_000.0, total_energy_mj=15_000.0)
    chip("Jetson", *[start] * 4, end)
    meter = Zeus()
    assert meter.open(cores=1).domains == ("cpu", "node")
    assert [(w.domain, w.gross.value) for w in between(meter, 2.0)] == [
        ("cpu", 5.0),
        ("node", 15.0),
    ]
    assert [(c.key, c.gain_low) for c in meter.channels()] == [("cpu", 0.95), ("node", 0.95)]


def test_a_machine_without_such_hardware_does_not_import_zeus(monkeypatch, tmp_path):
    monkeypatch.setattr(adapter, "AMD_SIGN", tmp_path / "kfd")
    monkeypatch.setattr(adapter, "JETSON_SIGNS", ())
    monkeypatch.setattr(adapter.sys, "platform", "linux")
    monkeypatch.setitem(sys.modules, "zeus.exception", None)
    found = Zeus().probe()
    assert found.reason is Reason.NO_METER
    assert "pip install 'wattmark[zeus]'" in found.detail


def test_hardware_without_the_package_or_its_library_comes_with_the_cure(monkeypatch, tmp_path):
    (tmp_path / "kfd").touch()
    monkeypatch.setattr(adapter, "AMD_SIGN", tmp_path / "kfd")
    from zeus.device.gpu import amd as zeus_amd

    monkeypatch.setattr(zeus_amd, "amdsmi_is_available", lambda: False)
    assert "is ROCm installed" in Zeus().probe().detail
    monkeypatch.setitem(sys.modules, "zeus.exception", None)
    assert "AMD GPU found, but" in (detail := Zeus().probe().detail)
    assert "pip install 'wattmark[zeus]'" in detail


# Our own readings against zeus's.


def fake_nvml(millijoules: dict[int, int]) -> SimpleNamespace:
    """The calls that we and zeus make, of a machine whose counters stand at these values."""
    import pynvml

    def no_c2c(handle: int) -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    return SimpleNamespace(
        NVMLError=pynvml.NVMLError,
        NVML_ERROR_NOT_SUPPORTED=pynvml.NVML_ERROR_NOT_SUPPORTED,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: len(millijoules),
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda handle: f"NVIDIA L4 {handle}",
        nvmlDeviceGetC2cModeInfoV=no_c2c,
        nvmlDeviceGetTotalEnergyConsumption=millijoules.__getitem__,
    )


#: up to 1 kW for 30 years
COUNTS = st.integers(0, 10**15)


@given(
    start=st.tuples(COUNTS, COUNTS), used=st.tuples(st.integers(1, 10**9), st.integers(1, 10**9))
)
@settings(derandomize=True, max_examples=50, deadline=None)
def test_nvml_agrees_with_zeus_to_the_millijoule(start, used):
    from zeus.device.gpu import nvidia

    counters = dict(enumerate(start))
    fake = fake_nvml(counters)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        patch.setitem(sys.modules, "pynvml", fake)
        patch.setattr(nvidia, "pynvml", fake)
        theirs = nvidia.NVIDIAGPUs()
        ours = Nvml()
        ours.open(cores=1)
        before, their_start = ours.read(), [g.get_total_energy_consumption() for g in theirs.gpus]
        counters.update({i: start[i] + used[i] for i in counters})
        after, their_end = ours.read(), [g.get_total_energy_consumption() for g in theirs.gpus]
        after = after.model_copy(update={"time_ns": before.time_ns + 10**10})
        windows = ours.energy(before, after)
        ours.close()
        del theirs
    our_mj = [1e3 * w.gross.value for w in windows]
    their_mj = [b - a for a, b in zip(their_start, their_end, strict=True)]
    assert our_mj == pytest.approx(their_mj, abs=0.5, rel=0)


RANGE_UJ = 262_143_328_850


def sysfs(root: Path) -> dict[str, Path]:
    """A powercap tree as the kernel lays it out: zones nested, and linked at the top."""
    package = root / "intel-rapl" / "intel-rapl:0"
    zones = {"package-0": package, "core": package / "intel-rapl:0:0"}
    zones["dram"] = package / "intel-rapl:0:1"
    for name, folder in zones.items():
        folder.mkdir(parents=True)
        (folder / "name").write_text(f"{name}\n")
        (folder / "energy_uj").write_text("0\n")
        (folder / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
        (root / folder.name).symlink_to(folder)
    return zones


@given(
    start=st.integers(0, RANGE_UJ),
    used=st.integers(1, 10**10),
    dram_start=st.integers(0, RANGE_UJ),
    dram_used=st.integers(1, 10**9),
)
@settings(derandomize=True, max_examples=50, deadline=None)
def test_rapl_agrees_with_zeus_to_the_millijoule_also_across_a_wrap(
    tmp_path_factory, start, used, dram_start, dram_used
):
    from zeus.device.cpu import rapl as zeus_rapl

    root = tmp_path_factory.mktemp("powercap")
    zones = sysfs(root)
    wraps: dict[str, int] = {}

    class Tracker:
        """Stands for the process in which zeus counts wraps, each a read of the counter too."""

        def __init__(self, path: str, _: float) -> None:
            self.path = path

        def get_num_wraparounds(self) -> int:
            return wraps.get(self.path, 0)

    def set_counter(name: str, total_uj: int) -> None:
        file = zones[name] / "energy_uj"
        # zeus takes the range itself as a whole turn, we the step to 0 as well: 1 uJ apart
        wraps[str(file)], value = divmod(total_uj, RANGE_UJ + 1)
        file.write_text(f"{value}\n")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zeus_rapl, "RAPL_DIR", str(root / "intel-rapl"))
        patch.setattr(zeus_rapl, "rapl_is_available", lambda: True)
        patch.setattr(zeus_rapl, "RaplWraparoundTracker", Tracker)
        set_counter("package-0", start)
        set_counter("dram", dram_start)
        (theirs,) = zeus_rapl.RAPLCPUs().cpus
        ours = Rapl(root)
        ours.open(cores=1)
        before, their_start = ours.read(), theirs.get_total_energy_consumption()
        set_counter("package-0", start + used)
        set_counter("dram", dram_start + dram_used)
        after, their_end = ours.read(), theirs.get_total_energy_consumption()
        after = after.model_copy(update={"time_ns": before.time_ns + 60 * 10**9})
        windows = ours.energy(before, after)
        ours.close()
    our_mj = {w.domain: 1e3 * w.gross.value for w in windows}
    assert our_mj["cpu"] == pytest.approx(their_end.cpu_mj - their_start.cpu_mj, abs=0.5, rel=0)
    assert our_mj["dram"] == pytest.approx(their_end.dram_mj - their_start.dram_mj, abs=0.5, rel=0)
