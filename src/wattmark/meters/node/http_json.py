"""Kind ``http-json``: a smart plug or lab meter that answers over HTTP with JSON.

A path such as ``a.b[0].c`` leads to the number: watts, or a cumulative J, Wh or kWh. A key that
holds a dot or a bracket is written ``["a.b"]``. The chips in such plugs integrate all the time and
show a new figure about once a second; hence the defaults.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from wattmark.contracts import Meter
from wattmark.contracts.meter_kind import MeterKind
from wattmark.errors import MeterError
from wattmark.meters.node.counting import Counted
from wattmark.meters.node.device_http import HttpSettings, get_json, shown
from wattmark.meters.node.figure import Watts
from wattmark.meters.node.node_settings import Unit, is_power, si_factor
from wattmark.meters.polling import Polled

_STEP = re.compile(r"""\["([^"]+)"\]|\['([^']+)'\]|\[([0-9]{1,6})\]|(?:^|\.)([^.\[\]'"]+)""")


class HttpJsonSettings(HttpSettings):
    """Settings of ``http-json``. A token is sent as ``Authorization: Bearer``."""

    kind: Literal["http-json"] = Field(description="http-json")
    path: str = Field(min_length=1, max_length=500, description="the way to the number: a.b[0].c")
    unit: Unit = Field(description="W or mW; J, mJ, Wh or kWh if cumulative")
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        1.0, description="what the number is multiplied by to be in that unit"
    )
    step: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None,
        description="least step that the figure shows, in its unit (0.001 where it counts in "
        "0.001 kWh); must be given for J, mJ, Wh and kWh",
    )

    @field_validator("path")
    @classmethod
    def _readable_path(cls, path: str) -> str:
        steps(path)
        return path

    @model_validator(mode="after")
    def _step_of_a_counter(self) -> Self:
        if self.step is None and not is_power(self.unit):
            raise ValueError("a cumulative figure needs `step`, the least step that it shows")
        return self


def steps(path: str) -> list[str | int]:
    """The keys and indices of a path. Raises ValueError where it cannot be read."""
    found: list[str | int] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise ValueError(f"cannot be read from character {position + 1}: write a.b[0].c")
        double, single, index, key = match.groups()
        found.append(int(index) if index is not None else double or single or key)
        position = match.end()
    return found


def number_at(document: Any, path: str) -> float:
    """The number that a path leads to; a text that is a number will do.

    Raises MeterError that says where the path ends, or what stands there.
    """
    value, walked = document, ""
    for step in steps(path):
        if isinstance(step, int):
            here = f"{walked}[{step}]"
            if not isinstance(value, list) or step >= len(value):
                raise MeterError(f"the answer has no {here}: {_content(value, walked)}")
            value = value[step]
        else:
            here = f"{walked}.{step}" if walked else step
            if not isinstance(value, Mapping) or step not in value:
                raise MeterError(f"the answer has no {here}: {_content(value, walked)}")
            value = value[step]
        walked = here
    return _number(value, walked)


def _number(value: Any, place: str) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise MeterError(f"{place} is a text that is not a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        what = "null" if value is None else type(value).__name__
        raise MeterError(f"{place} is {what}, not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise MeterError(f"{place} is {number}, not a finite number")
    return number


def _content(value: Any, place: str) -> str:
    where = place or "it"
    if isinstance(value, Mapping):
        keys = ", ".join(str(key)[:40] for key in list(value)[:12])
        return f"{where} has {keys or 'no keys'}"
    if isinstance(value, list):
        return f"{where} is a list of {len(value)}"
    return f"{where} is a {type(value).__name__}"


class _JsonFigure:
    """The number at the path, in W or J."""

    def __init__(self, settings: HttpJsonSettings) -> None:
        self._settings = settings
        self._factor = settings.scale * si_factor(settings.unit)

    def open(self) -> str:
        """Nothing to open: each reading is a request of its own."""
        return f"{self._settings.path} of {shown(self._settings.url)}"

    def read(self) -> float:
        """Ask, and follow the path. Raises MeterError."""
        document = get_json(self._settings, self._settings.url)
        return number_at(document, self._settings.path) * self._factor

    def close(self) -> None:
        """Nothing to release."""


def build(name: str, settings: HttpJsonSettings) -> Meter:
    """The meter of a configured instrument."""
    figure = _JsonFigure(settings)
    quantum = (settings.step or 0.0) * si_factor(settings.unit)
    if is_power(settings.unit):
        return Polled(Watts(name, settings, figure, lambda: settings.sensor(quantum_w=quantum)))
    return Counted(name, settings, figure, quantum)


KIND = MeterKind(
    HttpJsonSettings,
    build,
    'lab-plug: {kind: http-json, url: "http://plug.local/rpc/Switch.GetStatus?id=0", '
    "path: apower, unit: W, error: 2%}",
)
