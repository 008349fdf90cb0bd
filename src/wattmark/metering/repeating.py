"""Measure the same work many times, so that a sensor that looks only part of the time sees it all.

::

    step = wattmark.measure_repeats("a training step", train_step, seconds=5.0)
    for energy in step.energy:
        print(energy.domain, energy.per_call, energy.flags)

The sensor of an A100 or H100 looks for 25 of every 100 ms, and work in step with it is seen wrongly
however long it is watched. Here the calls are made in blocks that begin at other phases of the
sensor each (:mod:`wattmark.metrology.repeats`); what one block hides another shows. Where no meter
in use is such a sensor there is one block.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from wattmark.contracts import Channel, Sensor
from wattmark.errors import MeterError
from wattmark.metering.accelerators import synchronise
from wattmark.metering.opened import OpenMeter
from wattmark.metering.readings import Reading, Readings
from wattmark.metering.used_gpus import Charging, Work
from wattmark.meters.polling import Polled
from wattmark.metrology.power_trace import PowerTrace
from wattmark.metrology.repeats import next_update_s, phase_shifts_s, repeated_energy, updates
from wattmark.quantities import Grade, Quantity, Reason, sum_of_parts
from wattmark.records import EnergyWindow

#: Between blocks, for the device to fall idle.
PAUSE_S = 0.15

#: The sensor is asked this many times an update, to see when it updates.
LOOKS_AN_UPDATE = 10

NS_PER_S = 1e9


@dataclass(frozen=True)
class RepeatedEnergy:
    """What one meter says of one domain: gross joules a call, flags that say why it is wide."""

    meter: str
    domain: str
    per_call: Quantity
    flags: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Repeats:
    """The same work, ``calls`` times in ``blocks`` blocks."""

    name: str
    calls: int
    blocks: int
    seconds_per_call: Quantity
    energy: tuple[RepeatedEnergy, ...]


@dataclass(frozen=True)
class _Block:
    """When a block began and ended (monotonic), and what every meter showed then."""

    start_ns: int
    end_ns: int
    before: Reading
    after: Reading

    @property
    def length_s(self) -> float:
        return (self.end_ns - self.start_ns) / NS_PER_S


def measure_repeats(
    name: str,
    work: Callable[[], object],
    *,
    seconds: float = 5.0,
    meters: Sequence[str] = (),
    whole_node: bool = False,
) -> Repeats:
    """Call ``work`` again and again for about so many seconds, after one call that is not counted.

    Every call must do the same: its energy is taken to be the same. ``meters`` and ``whole_node``
    are as in :func:`wattmark.measure`. Figures are per call: gross joules by meter and domain, with
    what the blocks' lengths differ in the interval. Raises UnknownNameError and MeterError as
    ``measure`` does, MeterError for a time that is not above 0, and what ``work`` raises.
    """
    if not seconds > 0:
        raise MeterError(f"the work cannot be repeated for {seconds} s: give a time above 0")
    with Readings.shared(meters) as opened:
        watched = _part_time(opened.meters)
        shifts_s = phase_shifts_s(watched.sensor) if watched else (0.0,)
        call_s = _seconds_of(work)
        calls = max(1, round(seconds / len(shifts_s) / call_s))
        charging = Charging(opened, Work.own(), whole_node=whole_node)
        charging.begin()
        if watched:
            watched.look_closely()
        try:
            blocks: list[_Block] = []
            for shift_s in shifts_s:
                if watched and blocks:
                    watched.wait_for_phase(blocks[0].start_ns, shift_s)
                blocks.append(_block(work, calls, opened))
            charging.end()
            found = _energies(opened, blocks, calls)
        finally:
            if watched:
                watched.look_as_before()
    lengths_s = np.array([block.length_s for block in blocks]) / calls
    mean_s, low_s, high_s = (float(x) for x in (lengths_s.mean(), lengths_s.min(), lengths_s.max()))
    return Repeats(
        name=name,
        calls=calls * len(blocks),
        blocks=len(blocks),
        seconds_per_call=Quantity.between(mean_s, low_s, high_s, "s/call"),
        energy=tuple(found),
    )


def _seconds_of(work: Callable[[], object]) -> float:
    """How long one call takes, the first one left out."""
    work()
    synchronise()
    start_ns = time.monotonic_ns()
    work()
    synchronise()
    return max(1e-9, (time.monotonic_ns() - start_ns) / NS_PER_S)


def _block(work: Callable[[], object], calls: int, opened: Readings) -> _Block:
    before = opened.read()
    start_ns = time.monotonic_ns()
    for _ in range(calls):
        work()
    synchronise()
    end_ns = time.monotonic_ns()
    return _Block(start_ns, end_ns, before, opened.read())


class _Watched:
    """A polled sensor that looks part of the time, watched for its updates."""

    def __init__(self, meter: Polled, domain: str, sensor: Sensor) -> None:
        self.sensor = sensor
        self._meter, self._domain = meter, domain
        self._usual_s = meter.poll_period_s

    def look_closely(self) -> None:
        self._meter.poll_period_s = min(
            self._usual_s, self.sensor.update_period_s / LOOKS_AN_UPDATE
        )

    def look_as_before(self) -> None:
        self._meter.poll_period_s = self._usual_s

    def wait_for_phase(self, since_ns: int, shift_s: float) -> None:
        """Sleep for the pause, and on to ``shift_s`` after an update of the sensor.

        A device at rest may show the same figure again and again, so that the update is not waited
        for but foreseen, from the changes of the readings since ``since_ns``.
        """
        time.sleep(PAUSE_S)
        samples = self._meter.samples(self._domain, since_ns)
        if not samples:  # the meter is lost; its windows say so
            return
        trace = PowerTrace.of(
            [(time_ns - since_ns) / NS_PER_S for time_ns, _ in samples],
            [watts for _, watts in samples],
        )
        now_s = (time.monotonic_ns() - since_ns) / NS_PER_S
        update_s = next_update_s(trace, self.sensor.update_period_s, now_s - shift_s)
        time.sleep(max(0.0, update_s + shift_s - (time.monotonic_ns() - since_ns) / NS_PER_S))


def _sensors(meter: OpenMeter) -> dict[str, Sensor]:
    """The sensors of a polled meter by domain; none of any other meter."""
    if not isinstance(meter.meter, Polled):
        return {}
    channels: Sequence[Channel] = meter.meter.channels()
    return {c.domain: c.sensor for c in channels if c.sensor is not None}


def _part_time(opened: Sequence[OpenMeter]) -> _Watched | None:
    """The part-time sensor that needs the most blocks."""
    found = [
        _Watched(meter.meter, domain, sensor)
        for meter in opened
        if isinstance(meter.meter, Polled)
        for domain, sensor in _sensors(meter).items()
        if sensor.part_time
    ]
    return max(found, key=lambda watched: len(phase_shifts_s(watched.sensor)), default=None)


def _energies(opened: Readings, blocks: Sequence[_Block], calls: int) -> list[RepeatedEnergy]:
    """Joules a call of each meter and domain."""
    sensors = {m.name: _sensors(m) for m in opened.meters}
    parts: dict[tuple[str, str], list[EnergyWindow]] = {}
    for block in blocks:
        for window in opened.energy(block.before, block.after):
            parts.setdefault((window.meter, window.domain), []).append(window)
    across = opened.energy(blocks[0].before, blocks[-1].after)
    whole = {(window.meter, window.domain): window for window in across}
    found = []
    for (meter, domain), windows in parts.items():
        sensor = sensors.get(meter, {}).get(domain)
        if sensor is not None and sensor.part_time:
            gross, flags = _pooled(whole[meter, domain], blocks, sensor)
            shared = (f for f in whole[meter, domain].flags if f is Reason.SHARED_DEVICE)
            flags = tuple(dict.fromkeys((*flags, *shared)))
        else:
            gross = sum_of_parts((None, window.gross) for window in windows)
            flags = tuple(dict.fromkeys(flag for w in windows for flag in w.flags))
        per_call = gross / Quantity.exact(calls * len(blocks), "call")
        found.append(RepeatedEnergy(meter, domain, per_call, flags))
    return found


def _pooled(
    whole: EnergyWindow, blocks: Sequence[_Block], sensor: Sensor
) -> tuple[Quantity, tuple[Reason, ...]]:
    """Energy of all blocks, from the samples over the whole time; missing as that is."""
    if whole.gross.reason is not None:
        return whole.gross, whole.flags
    origin_ns = whole.power[0][0]
    trace = PowerTrace.of(
        [(time_ns - origin_ns) / NS_PER_S for time_ns, _ in whole.power],
        [watts for _, watts in whole.power],
    )
    lengths_s = np.array([block.length_s for block in blocks])
    length_s = float(np.median(lengths_s))
    said = repeated_energy(
        updates(trace, sensor.update_period_s),
        [(block.start_ns - origin_ns) / NS_PER_S for block in blocks],
        length_s,
        sensor,
        whole.gross.grade or Grade.COUNTED,
    )
    # the blocks are not quite of one length: their mean is counted, their range is in the interval
    share = lengths_s / length_s
    unequal = Quantity.between(
        float(share.mean()), float(share.min()), float(share.max()), "1", level=1.0
    )
    return said.gross * unequal, said.flags
