"""The format of a trace: what the meters of a machine showed, sample by sample, as text. Pure.

::

    # wattmark-trace 1 {"period_s": 0.1, "channels": [{"meter": "rapl", "key": "cpu:0", ...}]}
    time_ns,meter,domain,unit,value
    35398251930550,rapl,cpu:0,J,1234.567891

The first line describes every channel (:class:`wattmark.contracts.Channel`), so that a trace can
be judged without the machine that made it. ``time_ns`` is a monotonic clock; ``domain`` is the
channel's key; the unit is ``J`` (a cumulative counter), ``W`` or ``cpu_s``. A sample that could
not be read has the value ``nan``.

A line is written whole or is the last: a last line without its end is left out, and a note says so.
What contradicts the format is a TraceError with the line. A gap, a ``nan``, a reset of a counter or
a value that no device can cause is none: it costs the windows that hold it, and no others
(:mod:`wattmark.metrology.trace_windows`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import ValidationError

from wattmark.contracts import Channel, Sensor, TraceUnit
from wattmark.errors import TraceError
from wattmark.metrology.possible import impossible_watts
from wattmark.metrology.power_trace import PowerTrace
from wattmark.quantities import Reason
from wattmark.records.base import Record

VERSION = "1"
COLUMNS = "time_ns,meter,domain,unit,value"
_MARK = "# wattmark-trace "


class _Header(Record):
    """``period_s``: the time between two samples, as it was asked for."""

    period_s: float
    channels: tuple[Channel, ...]


@dataclass(frozen=True)
class Series:
    """Samples of one channel in the order of time; a value that could not be read is NaN."""

    channel: Channel
    time_ns: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    @cached_property
    def power(self) -> PowerTrace:
        """What could be read of a channel in W, over seconds since its first sample.

        Without what no device can draw. Raises MeterError where nothing could be read.
        """
        domain, sensor = self.channel.domain, self.channel.sensor or Sensor(1.0)
        usable = [
            (t, w)
            for t, w in zip(self.time_ns, self.values, strict=True)
            if impossible_watts(domain, sensor, w) is None
        ]
        return PowerTrace.of(
            [(t - self.time_ns[0]) / 1e9 for t, _ in usable], [w for _, w in usable]
        )


@dataclass(frozen=True)
class Trace:
    """A recording that fits the format. ``notes`` say what was left out of it."""

    period_s: float
    series: tuple[Series, ...]
    notes: tuple[str, ...] = ()

    @property
    def domains(self) -> tuple[tuple[str, str], ...]:
        """Meter and domain of every figure that the trace can give."""
        return tuple(dict.fromkeys((s.channel.meter, s.channel.domain) for s in self.series))

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """Time of the first and the last sample; None where there is no sample."""
        first = [s.time_ns[0] for s in self.series if s.time_ns]
        last = [s.time_ns[-1] for s in self.series if s.time_ns]
        return (min(first), max(last)) if first else None


def header_lines(channels: Sequence[Channel], period_s: float) -> str:
    """The first two lines of a trace."""
    text = _Header(period_s=period_s, channels=tuple(channels)).model_dump_json(exclude_none=True)
    return f"{_MARK}{VERSION} {text}\n{COLUMNS}\n"


def sample_lines(channels: Sequence[Channel], time_ns: int, values: Mapping[str, float]) -> str:
    """Lines of one reading of one meter's channels; a channel that has no value gets NaN."""
    return "".join(
        f"{time_ns},{c.meter},{c.key},{c.unit.value},{values.get(c.key, math.nan)!r}\n"
        for c in channels
    )


def parse(lines: Iterable[str], path: str = "") -> Trace:
    """The trace in these lines, ends of lines included; ``path`` is for messages.

    Raises TraceError: no trace, an unknown version or unit, mixed units, a clock that went back or
    stood still, a negative or unreadable number, a channel that the header does not know.
    """
    numbered = enumerate(lines, 1)
    header = _header(_line_of(numbered, path), path)
    columns = _line_of(numbered, path).strip()
    if columns != COLUMNS:
        raise TraceError(f"the columns must be {COLUMNS}", Reason.READ_FAILED, 2, path)
    series = {(c.meter, c.key): Series(c) for c in header.channels}
    notes = []
    for number, line in numbered:
        if not line.endswith("\n"):
            notes.append(f"line {number} is cut off and was left out")
            break
        if line.strip():
            _add(series, line.strip(), number, path)
    return Trace(header.period_s, tuple(series.values()), tuple(notes))


def _line_of(numbered: Iterator[tuple[int, str]], path: str) -> str:
    number, line = next(numbered, (1, ""))
    if not line.endswith("\n"):
        message = "the file ends before its first sample" if line else "the file is empty"
        raise TraceError(message, Reason.READ_FAILED, number, path)
    return line


def _header(line: str, path: str) -> _Header:
    version, _, text = line.removeprefix(_MARK).strip().partition(" ")
    if not line.startswith(_MARK):
        message = f"not a trace: the first line must begin with {_MARK!r}"
        raise TraceError(message, Reason.NOT_SUPPORTED, 1, path)
    if version != VERSION:
        message = f"version {version!r} is unknown: this Wattmark reads version {VERSION}"
        raise TraceError(message, Reason.NOT_SUPPORTED, 1, path)
    try:
        header = _Header.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the description"
        unknown_unit = where.endswith(".unit")
        reason = Reason.NOT_SUPPORTED if unknown_unit else Reason.READ_FAILED
        raise TraceError(f"{where}: {first['msg']}", reason, 1, path) from error
    if not (math.isfinite(header.period_s) and header.period_s > 0):
        message = f"period_s is {header.period_s}; it must be above 0"
        raise TraceError(message, Reason.READ_FAILED, 1, path)
    units: dict[tuple[str, str], TraceUnit] = {}
    for channel in header.channels:
        known = units.setdefault((channel.meter, channel.domain), channel.unit)
        if known is not channel.unit:
            message = f"{channel.meter} {channel.domain} has mixed units: {known} and "
            raise TraceError(message + channel.unit, Reason.NOT_SUPPORTED, 1, path)
    return header


def _add(series: Mapping[tuple[str, str], Series], line: str, number: int, path: str) -> None:
    def wrong(message: str, reason: Reason = Reason.READ_FAILED) -> TraceError:
        return TraceError(message, reason, number, path)

    fields = line.split(",")
    if len(fields) != 5:
        raise wrong(f"{len(fields)} fields where {COLUMNS} are 5")
    time_text, meter, key, unit, value_text = fields
    found = series.get((meter, key))
    if found is None:
        raise wrong(f"the first line does not describe {key!r} of meter {meter!r}")
    if unit != found.channel.unit:
        if unit not in tuple(TraceUnit):
            known = ", ".join(TraceUnit)
            raise wrong(f"unknown unit {unit!r}; known: {known}", Reason.NOT_SUPPORTED)
        message = f"mixed units: {meter} {key} is in {found.channel.unit}, and here in {unit}"
        raise wrong(message, Reason.NOT_SUPPORTED)
    try:
        time_ns, value = int(time_text), float(value_text)
    except ValueError:
        raise wrong(f"time_ns {time_text!r} or value {value_text!r} is not a number") from None
    if found.time_ns and time_ns <= found.time_ns[-1]:
        step = "stands still" if time_ns == found.time_ns[-1] else "goes back"
        message = (
            f"the clock {step}: {meter} {key} at {time_ns} ns, after {found.time_ns[-1]} ns; "
            "to use what is before, cut the file off here"
        )
        raise wrong(message, Reason.CLOCK_WENT_BACK)
    if value < 0:
        raise wrong(f"a negative value: {meter} {key} is {value_text} {unit}")
    found.time_ns.append(time_ns)
    found.values.append(value if math.isfinite(value) else math.nan)
