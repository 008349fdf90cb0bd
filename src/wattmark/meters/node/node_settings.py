"""What the settings of every configured instrument have in common, and what they mean.

``error`` is what the maker or a calibration says of the instrument: reading / truth lies in
[1 - error, 1 + error]. Where nothing is said, 5 % is taken for an external meter, the accuracy that
MLPerf Training's power rules ask of one; a power supply's own sensor gets 10 %, a judgement.

``averaging_s``: the chips in plugs and PDUs integrate all the time, so that their figure stands
for the whole update period. Of a management controller nobody states it; its figure is taken as
one instant, hence a window's interval spans the readings within it, with the flag ``aliasing``.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from wattmark.contracts import Sensor
from wattmark.errors import MeterAccessError
from wattmark.metrology.counters import Accuracy
from wattmark.quantities import Grade, conversion_factor

METER_ERROR = 0.05
BOARD_ERROR = 0.10


def _share(value: Any) -> Any:
    """``2%`` or ``0.02`` as a share; what is neither is left for the schema to refuse."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip().removesuffix("%")) / 100
        except ValueError:
            return value
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 1:
        raise ValueError("write the relative error as 2% or 0.02; it lies between 0 and 100 %")
    return value


def read_grade(value: Any) -> Any:
    """Refuse the grade that no instrument has; the schema checks the rest."""
    if value == Grade.PARAMETRIC:
        raise ValueError("an instrument is metered, counted or modelled")
    return value


Share = Annotated[float, BeforeValidator(_share), Field(gt=0, lt=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Domain = Annotated[str, Field(pattern=r"^(node|cpu|dram|gpu:[0-9]+)$")]


#: What a figure may be in; the first two are power, the others cumulative energy.
Unit = Literal["W", "mW", "J", "mJ", "Wh", "kWh"]


def is_power(unit: Unit) -> bool:
    """Whether a figure in that unit is a power, not a cumulative energy."""
    return unit in ("W", "mW")


def si_factor(unit: Unit) -> float:
    """What makes W or J of a figure in that unit."""
    return conversion_factor(unit, "W" if is_power(unit) else "J")


class NodeSettings(BaseModel):
    """Keys that every kind has.

    ``unstated_averaging_s`` is what a kind assumes where `averaging_s` is left out; None stands
    for the whole update period.
    """

    unstated_averaging_s: ClassVar[float | None] = None

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: str = Field(description="what sort of instrument it is")
    domain: Domain = Field("node", description="what it covers: node, cpu, dram or gpu:N")
    grade: Annotated[Grade, BeforeValidator(read_grade)] = Field(
        Grade.METERED, description="how it obtains its figures: metered, counted or modelled"
    )
    error: Share = Field(
        METER_ERROR, description="its relative error, such as 2%; must be given if modelled"
    )
    update_period_s: Seconds = Field(1.0, description="time between two updates of its figure, s")
    averaging_s: Annotated[float, Field(ge=0, le=3600)] | None = Field(
        None,
        description="how much of the past a figure in watts averages, s; 0: one instant",
    )
    max_power_w: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None,
        description="the most that it can draw (of the supply, the outlet), W; a figure above "
        "twice of that is refused",
    )
    timeout_s: Annotated[float, Field(gt=0, le=60)] = Field(
        2.0, description="longest wait for an answer, s"
    )

    @model_validator(mode="after")
    def _modelled_needs_error(self) -> Self:
        if self.grade is Grade.MODELLED and "error" not in self.model_fields_set:
            raise ValueError("a modelled figure needs `error` (published models: up to 40%)")
        return self

    def sensor(self, *, stated_averaging_s: float | None = None, quantum_w: float = 0.0) -> Sensor:
        """What is known of a figure in W.

        ``stated_averaging_s`` is what the instrument itself says, and yields to the settings.
        """
        known = (self.averaging_s, stated_averaging_s, self.unstated_averaging_s)
        averaging_s = next((s for s in known if s is not None), self.update_period_s)
        return Sensor(
            update_period_s=self.update_period_s,
            averaging_s=averaging_s,
            duty=min(1.0, averaging_s / self.update_period_s),
            quantum_w=quantum_w,
            gain_low=1 - self.error,
            gain_high=1 + self.error,
            max_power_w=self.max_power_w,
        )

    def accuracy(self) -> Accuracy:
        """What these settings say of a counter."""
        return Accuracy(self.update_period_s, 1 - self.error, 1 + self.error)


def secret(name: str) -> str:
    """The value of an environment variable that holds a password or token.

    Raises MeterAccessError, which names the variable and never its value, where it is missing
    or holds control characters.
    """
    value = os.environ.get(name, "")
    if not value:
        raise MeterAccessError(f"the environment variable {name} is not set: put the secret there")
    if not value.isprintable():
        raise MeterAccessError(
            f"the environment variable {name} holds a line break or another control character"
        )
    return value
