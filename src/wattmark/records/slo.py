"""Service-level objectives as text: ``p99<50ms``, ``ttft_p95<200ms,tpot_p99<=40ms``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from wattmark.errors import InputError

#: What a bound can speak of. ``latency`` is end to end and is not written.
METRICS = ("latency", "ttft", "tpot")

_UNITS = {"us": Decimal("1e-6"), "ms": Decimal("1e-3"), "s": Decimal(1)}
_NUMBER = r"\d+(?:\.\d+)?"
_BOUND = re.compile(rf"(?:(\w+)_)?p({_NUMBER})\s*(<=|<)\s*({_NUMBER})\s*([^\W\d]\w*)")


@dataclass(frozen=True)
class Bound:
    """The ``percent`` percentile of ``metric`` is below ``limit`` (or at most, if ``closed``)."""

    metric: str
    percent: Decimal
    closed: bool
    limit: Decimal
    unit: str

    @property
    def limit_s(self) -> float:
        """The limit in seconds."""
        return float(self.limit * _UNITS[self.unit])

    @property
    def quantile(self) -> float:
        """The percentile as a fraction: 0.99 for p99."""
        return float(self.percent / 100)

    def holds(self, value_s: float) -> bool:
        """Whether a time in seconds keeps the bound."""
        return value_s <= self.limit_s if self.closed else value_s < self.limit_s

    def __str__(self) -> str:
        name = "" if self.metric == "latency" else f"{self.metric}_"
        sign = "<=" if self.closed else "<"
        return f"{name}p{self.percent}{sign}{self.limit}{self.unit}"


@dataclass(frozen=True)
class Slo:
    """All bounds that are to hold together. ``str()`` gives the text back."""

    bounds: tuple[Bound, ...]

    def __str__(self) -> str:
        return ",".join(map(str, self.bounds))

    def kept_by(self, times_s: Mapping[str, float | None]) -> bool:
        """Whether one request keeps every limit; a time that is missing keeps none."""
        for bound in self.bounds:
            value_s = times_s.get(bound.metric)
            if value_s is None or not bound.holds(value_s):
                return False
        return True


def parse_slo(text: str) -> Slo:
    """The objectives in ``text``, separated by commas. Raises InputError that shows how."""
    bounds: list[Bound] = []
    for part in text.split(","):
        match = _BOUND.fullmatch(part.strip())
        if match is None:
            raise InputError(
                f"the objective {part.strip()!r} in {text!r} cannot be read: write it like "
                f"p99<50ms, ttft_p95<200ms or p99.9<=1s, with commas between several"
            )
        metric, percent, sign, limit, unit = match.groups()
        metric = metric or "latency"
        if metric not in METRICS:
            raise InputError(
                f"{metric!r} in {part.strip()!r} is not known: write nothing for the latency end "
                f"to end, ttft for the time to first token, tpot for the time per output token"
            )
        if unit not in _UNITS:
            raise InputError(f"the unit {unit!r} in {part.strip()!r} is not one of us, ms, s")
        if not 0 < Decimal(percent) < 100:
            raise InputError(f"the percentile in {part.strip()!r} is not between 0 and 100")
        if Decimal(limit) == 0:
            raise InputError(f"the limit in {part.strip()!r} is 0: no request can keep it")
        bound = Bound(metric, Decimal(percent), sign == "<=", Decimal(limit), unit)
        if any((b.metric, b.percent) == (bound.metric, bound.percent) for b in bounds):
            raise InputError(f"{text!r} bounds the same percentile twice: {part.strip()!r}")
        bounds.append(bound)
    return Slo(tuple(bounds))
