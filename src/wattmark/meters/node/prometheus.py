"""Kind ``prometheus``: any PromQL that gives watts, or a cumulative energy, of this machine.

An instant query per reading. Its answer is never fresher than the last scrape, so that
``update_period_s`` is the scrape interval: 15 s is a common setting, and the default here.

Prometheus stamps an answer with the time of the question and not of the scrape; for up to 5
minutes it repeats the last sample of an exporter that keeps silent. It marks a series as stale
when a scrape fails, and then the answer is empty; ``age_query`` is for what that does not catch.
"""

from __future__ import annotations

import math
import time
from typing import Any, Literal

from pydantic import Field

from wattmark.contracts import Meter
from wattmark.contracts.meter_kind import MeterKind
from wattmark.errors import MeterError
from wattmark.meters.node.counting import Counted
from wattmark.meters.node.device_http import HttpSettings, ask, shown
from wattmark.meters.node.figure import Watts
from wattmark.meters.node.node_settings import Seconds, Unit, is_power, si_factor
from wattmark.meters.polling import Polled


class PrometheusSettings(HttpSettings):
    """Settings of ``prometheus``. A token is sent as ``Authorization: Bearer``."""

    kind: Literal["prometheus"] = Field(description="prometheus")
    query: str = Field(
        min_length=1, max_length=4000, description="PromQL that gives one number: sum(...)"
    )
    unit: Unit = Field(description="W or mW; J, mJ, Wh or kWh if cumulative")
    update_period_s: Seconds = Field(15.0, description="the scrape interval, s")
    age_query: str | None = Field(
        None,
        min_length=1,
        max_length=4000,
        description="PromQL that gives the age of the newest sample in s, such as "
        "max(time() - timestamp(pdu_watts))",
    )
    max_age_s: Seconds | None = Field(
        None, description="an older sample is refused, s; left out: three update periods"
    )


def value_of(document: Any, place: str) -> tuple[float, float]:
    """(time in s since 1970, value) of the answer to an instant query.

    Raises MeterError for an error status, an empty answer, several elements, or what is no number.
    """
    if not isinstance(document, dict) or "status" not in document:
        raise MeterError(f"{place} did not answer as Prometheus does: is the address right?")
    if document["status"] != "success":
        kind, text = (str(document.get(key, "?"))[:300] for key in ("errorType", "error"))
        raise MeterError(f"{place} refused the query ({kind}): {text}")
    try:
        shape, result = document["data"]["resultType"], document["data"]["result"]
        if shape == "vector":
            if not result:
                raise MeterError(
                    f"{place} has no sample for the query: its exporter is down or its last "
                    "scrape failed, or no series has such a name and labels"
                )
            if len(result) > 1:
                raise MeterError(
                    f"the query gives {len(result)} series, not one number: add them up with "
                    "sum(...), or pick one by its labels"
                )
            stamp, text = result[0]["value"]
        elif shape == "scalar":
            stamp, text = result
        else:
            raise MeterError(f"the query gives a {shape}, not one number now: ask for no range")
        time_s, value = float(stamp), float(text)
    except (KeyError, TypeError, ValueError):
        raise MeterError(f"{place} answered in a form that cannot be read") from None
    if math.isnan(value):
        raise MeterError("the query gives NaN: the exporter has no figure now")
    if math.isinf(value):
        raise MeterError(f"the query gives {value}")
    return time_s, value


class _QueryFigure:
    """The query's value, in W or J."""

    def __init__(self, settings: PrometheusSettings) -> None:
        self._settings = settings
        self._factor = si_factor(settings.unit)
        self._max_age_s = settings.max_age_s or 3 * settings.update_period_s
        self._address = f"{settings.url.rstrip('/')}/api/v1/query"

    def open(self) -> str:
        """Nothing to open: each reading is a query of its own."""
        return f"{self._settings.query} of {shown(self._settings.url)}"

    def read(self) -> float:
        """Ask. Raises MeterError, also for a sample that is too old."""
        value = self._value(self._settings.query)
        if self._settings.age_query is not None:
            self._require_fresh(self._value(self._settings.age_query))
        return value * self._factor

    def _value(self, query: str) -> float:
        answer = ask(self._settings, self._address, {"query": query})
        time_s, value = value_of(answer.document, shown(self._settings.url))
        # by the server's own clock, where it tells, since ours may differ
        now_s = time.time() if answer.server_time_s is None else answer.server_time_s
        self._require_fresh(now_s - time_s)
        return value

    def _require_fresh(self, age_s: float) -> None:
        if age_s > self._max_age_s:
            raise MeterError(
                f"the newest sample is {age_s:.0f} s old, more than {self._max_age_s:g} s "
                "(`max_age_s`): the exporter is down, or is scraped less often than "
                "`update_period_s` says"
            )

    def close(self) -> None:
        """Nothing to release."""


def build(name: str, settings: PrometheusSettings) -> Meter:
    """The meter of a configured instrument."""
    figure = _QueryFigure(settings)
    if is_power(settings.unit):
        return Polled(Watts(name, settings, figure, settings.sensor))
    return Counted(name, settings, figure)


KIND = MeterKind(
    PrometheusSettings,
    build,
    'rack-pdu: {kind: prometheus, url: "http://prom:9090", query: "sum(pdu_watts{outlet=\'3\'})", '
    "unit: W, error: 3%}",
)
