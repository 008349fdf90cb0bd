"""Kind ``redfish``: the power reading of a server's management controller over HTTPS.

Read is ``PowerWatts.Reading`` of ``EnvironmentMetrics`` (Redfish 2020.4 and newer), else
``PowerControl[0].PowerConsumedWatts`` of the older ``Power``.

The grade is ``counted``: the figure comes from sensors within the machine (its power supplies or
its board) that nobody calibrates against a meter, like the on-board sensor of a GPU. It sees the
whole machine all the same. Controllers commonly refresh it about once a second.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from wattmark.contracts import Meter
from wattmark.contracts.meter_kind import MeterKind
from wattmark.errors import MeterAccessError, MeterError
from wattmark.meters.node.device_http import HttpSettings, get_json, shown
from wattmark.meters.node.figure import Watts
from wattmark.meters.node.http_json import number_at
from wattmark.meters.node.node_settings import BOARD_ERROR, Share, read_grade
from wattmark.meters.polling import Polled
from wattmark.quantities import Grade

#: resource of a chassis -> the way to its watts
READINGS = {
    "EnvironmentMetrics": "PowerWatts.Reading",
    "Power": "PowerControl[0].PowerConsumedWatts",
}


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class RedfishSettings(HttpSettings):
    """Settings of ``redfish``. A token is a session's, sent as ``X-Auth-Token``."""

    unstated_averaging_s: ClassVar[float | None] = 0.0

    kind: Literal["redfish"] = Field(description="redfish")
    chassis: Annotated[str, BeforeValidator(_text), Field(pattern=r"^[A-Za-z0-9._-]+$")] | None = (
        Field(None, description="the chassis of this machine; left out: the only one")
    )
    grade: Annotated[Grade, BeforeValidator(read_grade)] = Field(
        Grade.COUNTED, description="how it obtains its figures: metered, counted or modelled"
    )
    error: Share = Field(BOARD_ERROR, description="its relative error, such as 5%")


class _ChassisFigure:
    """The watts of one chassis."""

    def __init__(self, settings: RedfishSettings) -> None:
        self._settings = settings
        self._root = f"{settings.url.rstrip('/')}/redfish/v1/Chassis"
        self._resource = ""
        self._path = ""

    def open(self) -> str:
        """Find the chassis and the resource that has its power. Raises MeterError."""
        chassis = self._settings.chassis or self._only_chassis()
        problems = []
        for resource, path in READINGS.items():
            address = f"{self._root}/{chassis}/{resource}"
            try:
                number_at(self._get(address), path)
            except MeterAccessError:
                raise
            except MeterError as error:
                problems.append(f"{resource}: {error}")
                continue
            self._resource, self._path = address, path
            return f"{path} of {shown(address)}"
        raise MeterError(f"chassis {chassis} shows no power ({'; '.join(problems)})")

    def read(self) -> float:
        """The watts now. Raises MeterError."""
        if not self._resource:
            raise MeterError("the meter is not open")
        return number_at(self._get(self._resource), self._path)

    def close(self) -> None:
        """Forget what was found."""
        self._resource = ""

    def _get(self, address: str) -> Any:
        return get_json(self._settings, address, token_header="X-Auth-Token")

    def _only_chassis(self) -> str:
        document = self._get(self._root)
        members = document.get("Members") if isinstance(document, dict) else None
        names = [
            str(member.get("@odata.id", "")).rstrip("/").rpartition("/")[2]
            for member in (members if isinstance(members, list) else [])
            if isinstance(member, dict)
        ]
        if len(names) != 1:
            found = ", ".join(names) or "none"
            raise MeterError(f"name one `chassis` in the settings; {self._root} has: {found}")
        return names[0]


def build(name: str, settings: RedfishSettings) -> Meter:
    """The meter of a configured instrument."""
    return Polled(Watts(name, settings, _ChassisFigure(settings), settings.sensor))


KIND = MeterKind(
    RedfishSettings,
    build,
    'bmc: {kind: redfish, url: "https://bmc", chassis: "1", user: admin, '
    "password_env: BMC_PASSWORD}",
)
