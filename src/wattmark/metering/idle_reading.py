"""Measure what a machine's devices draw at idle, and keep it for as long as it holds.

An :class:`IdleRecord` is kept in memory and, where the system can tell one boot from the next, in
the cache folder. It is good for ten minutes: after that the machine may be warmer, or run other
services.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from wattmark.assets import cache_folder, write_whole
from wattmark.contracts import MeterInfo
from wattmark.contracts.sensor import MIN_UPDATE_PERIODS
from wattmark.errors import MeterError
from wattmark.machine.boot import boot_id
from wattmark.metering.opened import usable_cores
from wattmark.metering.readings import Readings
from wattmark.metrology.idle import idle_power
from wattmark.quantities import Quantity, Reason
from wattmark.records import EnergyWindow, IdlePower, IdleRecord

#: How long a record is taken to hold. A judgement: short enough for the machine to be the same.
MAX_AGE_S = 600.0

#: Long enough for ten updates of a counter that moves every 100 ms, in each of two parts.
DEFAULT_SECONDS = 2.0

#: Nobody waits longer than this for the power at idle.
LONGEST_SECONDS = 30.0

#: Parts of the idle time whose differences widen the interval.
PARTS = 5

_known: dict[str, IdleRecord] = {}


def seconds_needed(infos: Sequence[MeterInfo]) -> float:
    """How long to measure, in s: eleven updates of the slowest instrument, no less than
    DEFAULT_SECONDS and no more than LONGEST_SECONDS (a slower one then stays without a figure)."""
    slowest_s = max((info.update_period_s for info in infos), default=0.0)
    wanted_s = (MIN_UPDATE_PERIODS + 1) * slowest_s
    return min(LONGEST_SECONDS, max(DEFAULT_SECONDS, wanted_s))


def needs_idle(meters: Readings) -> bool:
    """Whether any open meter cannot tell what its domain would have drawn anyway."""
    return any(map(_lacks_idle, meters.energy(meters.read(), meters.read())))


def _lacks_idle(window: EnergyWindow) -> bool:
    said = window.idle_subtracted
    return not said.known and said.reason is not Reason.NOT_SUPPORTED


def measure_idle(meters: Readings, seconds: float = DEFAULT_SECONDS) -> IdleRecord:
    """Sleep, and read open meters meanwhile; the machine should have nothing to do.

    Domains whose meter knows its own idle share (a model of one process) are left out. The power
    of a meter that cannot be read is missing, with the reason. Raises MeterError for a time that
    is not above 0.
    """
    if not seconds > 0:
        raise MeterError(f"idle power cannot be measured in {seconds} s: give a time above 0")
    start_s = time.monotonic()
    readings = [meters.read()]
    for part in range(1, PARTS + 1):
        time.sleep(max(0.0, start_s + seconds * part / PARTS - time.monotonic()))
        readings.append(meters.read())
    parts_w: dict[tuple[str, str], list[float]] = {}
    for before, after in pairwise(readings):
        for window in meters.energy(before, after):
            if window.gross.value is not None and (part_s := _seconds(window)) > 0:
                power_w = window.gross.value / part_s
                parts_w.setdefault((window.meter, window.domain), []).append(power_w)
    whole = meters.energy(readings[0], readings[-1])
    return IdleRecord(
        machine=boot_id(),
        measured_at=time.time(),
        seconds=seconds,
        power=tuple(
            IdlePower(
                meter=window.meter,
                domain=window.domain,
                power=_power(window, parts_w.get((window.meter, window.domain), ())),
            )
            for window in whole
            if _lacks_idle(window)
        ),
        reserved_cores=usable_cores(),
        machine_cores=os.cpu_count() or 1,
    )


def _seconds(window: EnergyWindow) -> float:
    return (window.after.time_ns - window.before.time_ns) / 1e9


def _power(window: EnergyWindow, parts_w: Sequence[float]) -> Quantity:
    if window.gross.reason is not None:
        return Quantity.missing("W", window.gross.reason, window.gross.detail)
    if _seconds(window) <= 0:
        detail = f"{window.meter} gave two readings of one time"
        return Quantity.missing("W", Reason.READ_FAILED, detail)
    return idle_power(window.gross, _seconds(window), parts_w)


def remember_idle(meters: Sequence[str], record: IdleRecord) -> None:
    """Keep the record for these meters: in memory and, where that can be told apart, on disk.

    A cache folder that cannot be written is no error: the record then lives as long as the process.
    """
    key = _key(meters)
    _known[key] = record
    if not record.machine:
        return
    with suppress(OSError):
        write_whole(_path(key), record.model_dump_json())


def recall_idle(meters: Sequence[str], max_age_s: float = MAX_AGE_S) -> IdleRecord | None:
    """The record of these meters on this machine since its last boot, or None if there is none.

    None as well where it is older than ``max_age_s``, from the future, or unreadable.
    """
    key = _key(meters)
    found = _known.get(key)
    if found is None or not 0 <= found.age_s <= max_age_s:
        found = _read(key)
    if found is None or not 0 <= found.age_s <= max_age_s:
        return None
    _known[key] = found
    return found


def _read(key: str) -> IdleRecord | None:
    try:
        found = IdleRecord.model_validate_json(_path(key).read_bytes())
    except (OSError, ValueError):
        return None
    return found if found.machine and found.machine == boot_id() else None


def _key(meters: Sequence[str]) -> str:
    return hashlib.sha256("\n".join([boot_id(), *sorted(meters)]).encode()).hexdigest()[:16]


def _path(key: str) -> Path:
    return cache_folder() / "idle" / f"{key}.json"
