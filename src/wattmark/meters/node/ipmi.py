"""Kind ``ipmi``: the power reading of a server's management controller, by ``ipmitool``.

``ipmitool dcmi power reading`` gives the power now, and its mean over a sampling period that it
states. Where that period is at most 10 s, the mean is read, since it misses nothing and its
averaging is known; a longer one says too little of a window, and the power now is read instead.

The grade is ``counted``, as for ``redfish``: sensors within the machine, calibrated by nobody.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from wattmark.contracts import Meter, Sensor
from wattmark.contracts.meter_kind import MeterKind
from wattmark.errors import MeterAccessError, MeterError
from wattmark.meters.node.figure import Watts
from wattmark.meters.node.node_settings import (
    BOARD_ERROR,
    EnvironmentName,
    NodeSettings,
    Share,
    read_grade,
    secret,
)
from wattmark.meters.polling import Polled
from wattmark.quantities import Grade

#: A mean over more than this says too little of a window of some seconds.
LONGEST_AVERAGE_S = 10.0

#: DCMI gives whole watts.
QUANTUM_W = 1.0

_NOW = re.compile(r"Instantaneous power reading:\s*(\d+)\s*Watts")
_MEAN = re.compile(r"Average power reading over sample period:\s*(\d+)\s*Watts")
_PERIOD = re.compile(r"Sampling period:\s*(\d+)\s*(Milliseconds|Seconds|Minutes|Hours|Days)")
_STATE = re.compile(r"Power reading state is:\s*(\w+)")
_SECONDS = {"Milliseconds": 1e-3, "Seconds": 1.0, "Minutes": 60.0, "Hours": 3600.0, "Days": 86400.0}

Argument = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@-]*$")]


class IpmiSettings(NodeSettings):
    """Settings of ``ipmi``. Without ``host``, this machine's own controller (/dev/ipmi0)."""

    unstated_averaging_s: ClassVar[float | None] = 0.0

    kind: Literal["ipmi"] = Field(description="ipmi")
    host: Argument | None = Field(None, description="address of a controller on the network")
    user: Argument | None = Field(None, description="name to log in with on `host`")
    password_env: EnvironmentName | None = Field(
        None, description="environment variable with the password of `user`"
    )
    interface: Argument = Field("lanplus", description="ipmitool's interface for `host`")
    command: str = Field("ipmitool", min_length=1, description="the command, or its path")
    grade: Annotated[Grade, BeforeValidator(read_grade)] = Field(
        Grade.COUNTED, description="how it obtains its figures: metered, counted or modelled"
    )
    error: Share = Field(BOARD_ERROR, description="its relative error, such as 5%")
    timeout_s: Annotated[float, Field(gt=0, le=60)] = Field(
        5.0, description="longest wait for an answer, s"
    )

    @model_validator(mode="after")
    def _complete_login(self) -> Self:
        if (self.user is None) != (self.password_env is None):
            raise ValueError("`user` and `password_env` belong together")
        if self.user is not None and self.host is None:
            raise ValueError("`user` is for a controller on the network: name its `host`")
        return self


@dataclass(frozen=True)
class PowerReading:
    """What the command printed: W now, W on average, and over how many s (None: not stated)."""

    now_w: float
    mean_w: float | None
    period_s: float | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises MeterError where there is no reading, or it is switched off."""
        state = _STATE.search(text)
        if state is not None and state[1] != "activated":
            raise MeterError(f"the controller's power reading is {state[1]}")
        now = _NOW.search(text)
        if now is None:
            raise MeterError("ipmitool printed no `Instantaneous power reading`")
        mean, period = _MEAN.search(text), _PERIOD.search(text)
        return cls(
            float(now[1]),
            None if mean is None else float(mean[1]),
            None if period is None else float(period[1]) * _SECONDS[period[2]],
        )

    @property
    def averages(self) -> bool:
        """Whether the mean is the better figure."""
        return bool(self.mean_w) and 0 < (self.period_s or 0.0) <= LONGEST_AVERAGE_S


class _DcmiFigure:
    """The controller's watts."""

    def __init__(self, settings: IpmiSettings) -> None:
        self._settings = settings
        self._period_s: float | None = None

    def open(self) -> str:
        """Learn whether to read the mean. Raises MeterError."""
        reading = self._ask()
        self._period_s = reading.period_s if reading.averages else None
        where = self._settings.host or "this machine's controller"
        if self._period_s is None:
            return f"power now, of {where}"
        return f"mean power over {self._period_s:g} s, of {where}"

    def read(self) -> float:
        """The watts. Raises MeterError."""
        reading = self._ask()
        if self._period_s is None or reading.mean_w is None:
            return reading.now_w
        return reading.mean_w

    def close(self) -> None:
        """Nothing to release."""

    def sensor(self) -> Sensor:
        """The sensor of the settings, with the averaging that the controller stated."""
        return self._settings.sensor(stated_averaging_s=self._period_s, quantum_w=QUANTUM_W)

    def _ask(self) -> PowerReading:
        settings, environment = self._settings, dict(os.environ, LC_ALL="C")
        arguments = [settings.command]
        if settings.host is not None:
            arguments += ["-I", settings.interface, "-H", settings.host]
        if settings.user is not None and settings.password_env is not None:
            # -E: by the environment, since everyone can see a command's arguments
            arguments += ["-U", settings.user, "-E"]
            environment["IPMI_PASSWORD"] = secret(settings.password_env)
        return PowerReading.parse(self._run([*arguments, "dcmi", "power", "reading"], environment))

    def _run(self, arguments: list[str], environment: dict[str, str]) -> str:
        command, limit_s = self._settings.command, self._settings.timeout_s
        if shutil.which(command) is None:
            raise MeterError(
                f"there is no command {command}: install it (Debian, Fedora: package ipmitool)"
            )
        try:
            done = subprocess.run(
                arguments,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise MeterError(
                f"{command} did not answer within {limit_s:g} s (`timeout_s`)"
            ) from None
        except OSError as error:
            raise MeterError(f"{command} could not be run: {error.strerror}") from None
        if done.returncode == 0:
            return done.stdout.decode(errors="replace")
        raise self._failure(done.stderr.decode(errors="replace"))

    def _failure(self, said: str) -> MeterError:
        if "Could not open device" in said:
            if Path("/dev/ipmi0").exists():
                return MeterAccessError(
                    "/dev/ipmi0 may not be opened: run as root, or give yourself the right "
                    "(`chgrp` to a group of yours and `chmod g+rw`, by a udev rule for good)"
                )
            return MeterError(
                "there is no /dev/ipmi0: load the driver (`modprobe ipmi_devintf ipmi_si`), or "
                "name the `host` of a controller on the network"
            )
        if "Unable to establish" in said or "password" in said.lower():
            return MeterAccessError(
                f"{self._settings.host} refused the session, or is not there: check `host`, `user` "
                "and what `password_env` holds"
            )
        last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")
        return MeterError(f"{self._settings.command} failed: {last[:200] or 'it said nothing'}")


def build(name: str, settings: IpmiSettings) -> Meter:
    """The meter of a configured instrument."""
    figure = _DcmiFigure(settings)
    return Polled(Watts(name, settings, figure, figure.sensor))


KIND = MeterKind(IpmiSettings, build, "board: {kind: ipmi}", "the command ipmitool")
