"""A management controller behind `ipmitool`, here a script on PATH that prints what it would."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wattmark.errors import InputError, MeterError
from wattmark.meters.node.ipmi import PowerReading
from wattmark.quantities import Grade, Reason

PRINTED = """
    Instantaneous power reading:                   {now} Watts
    Minimum during sampling period:                 50 Watts
    Maximum during sampling period:                600 Watts
    Average power reading over sample period:      {mean} Watts
    IPMI timestamp:                           Tue Nov 24 00:00:00 2026
    Sampling period:                          {period}.
    Power reading state is:                   {state}


"""


def printed(now=220, mean=210, period="00000001 Seconds", state="activated") -> str:
    return PRINTED.format(now=now, mean=mean, period=period, state=state)


@pytest.fixture
def ipmitool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put an `ipmitool` on PATH; gives the file with the arguments and password it was given."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    calls = tmp_path / "calls"

    def put(stdout: str = "", stderr: str = "", status: int = 0, sleep_s: float = 0) -> Path:
        (folder / "stdout").write_text(stdout)
        (folder / "stderr").write_text(stderr)
        script = folder / "ipmitool"
        script.write_text(
            f"#!/bin/sh\n[ {sleep_s} = 0 ] || exec sleep {sleep_s}\n"
            f'echo "$@ password=$IPMI_PASSWORD" >> {calls}\n'
            f"cat {folder}/stdout\ncat {folder}/stderr >&2\nexit {status}\n"
        )
        script.chmod(0o755)
        return calls

    return put


def test_a_short_mean_is_read_with_the_averaging_that_it_states(ipmitool, configure):
    ipmitool(printed(now=220, mean=210, period="00002000 Milliseconds"))
    meter = configure({"kind": "ipmi"})
    assert meter.probe().detail == "mean power over 2 s, of this machine's controller"
    info = meter.open(cores=1)
    assert meter.read().values == {"node": 210}
    (sensor,) = meter._sensors.values()
    meter.close()
    assert (info.domains, info.grade, sensor.averaging_s) == (("node",), Grade.COUNTED, 2.0)


def test_a_long_mean_says_too_little_so_the_power_now_is_read(ipmitool, configure):
    ipmitool(printed(now=220, mean=210, period="00000060 Minutes"))
    meter = configure({"kind": "ipmi"})
    meter.open(cores=1)
    assert meter.read().values == {"node": 220}
    (sensor,) = meter._sensors.values()
    meter.close()
    assert sensor.part_time


def test_a_controller_on_the_network_gets_its_password_by_the_environment(
    ipmitool, configure, monkeypatch
):
    calls = ipmitool(printed())
    monkeypatch.setenv("BMC_PASSWORD", "s3cr3t")
    settings = {"kind": "ipmi", "host": "bmc", "user": "admin", "password_env": "BMC_PASSWORD"}
    found = configure(settings).probe()
    assert found.available and "s3cr3t" not in found.detail
    said = "-I lanplus -H bmc -U admin -E dcmi power reading password=s3cr3t\n"
    assert calls.read_text() == said * 2


@pytest.mark.parametrize(
    ("tool", "reason", "said"),
    [
        ({"stdout": printed(state="deactivated")}, Reason.READ_FAILED, "reading is deactivated"),
        ({"stdout": "nonsense"}, Reason.READ_FAILED, "printed no `Instantaneous power reading`"),
        ({"stdout": printed(now=0, mean=0)}, Reason.READ_FAILED, "shows 0"),
        ({"stderr": "DCMI request failed\n", "status": 1}, Reason.READ_FAILED, "DCMI request"),
        ({"status": 1}, Reason.READ_FAILED, "it said nothing"),
        (
            {"stderr": "Could not open device at /dev/ipmi0: No such file\n", "status": 1},
            Reason.READ_FAILED,
            "modprobe ipmi_devintf",
        ),
        (
            {"stderr": "Error: Unable to establish IPMI v2 / RMCP+ session\n", "status": 1},
            Reason.PERMISSION,
            "check `host`, `user`",
        ),
    ],
)
def test_what_goes_wrong_is_told_with_the_cure(ipmitool, configure, tool, reason, said):
    ipmitool(**tool)
    found = configure({"kind": "ipmi"}).probe()
    assert found.reason is reason
    assert said in found.detail
    with pytest.raises(MeterError, match=r"^mine"):
        configure({"kind": "ipmi"}).open(cores=1)


def test_a_controller_that_hangs_is_given_up(ipmitool, configure):
    ipmitool(sleep_s=20)
    found = configure({"kind": "ipmi", "timeout_s": 0.1}).probe()
    assert "did not answer within 0.1 s" in found.detail


def test_a_machine_without_the_command(configure, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "package ipmitool" in configure({"kind": "ipmi"}).probe().detail


def test_a_printed_form_without_statistics_is_read():
    reading = PowerReading.parse("    Instantaneous power reading:   95 Watts\n")
    assert (reading.now_w, reading.averages) == (95.0, False)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"user": "admin", "password_env": "X"}, "name its `host`"),
        ({"host": "bmc", "user": "admin"}, "belong together"),
        ({"host": "-f /etc/passwd"}, "`host`"),
    ],
)
def test_settings_that_cannot_be(configure, wrong, said):
    with pytest.raises(InputError) as raised:
        configure({"kind": "ipmi"} | wrong)
    assert said in str(raised.value)
