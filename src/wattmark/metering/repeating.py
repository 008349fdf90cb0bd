"""Measure the same work many times, so that a sensor that looks only part of the time sees it all.

::

    step = wattmark.measure_repeats("a training step", train_step, seconds=5.0)
    for energy in step.energy:
        print(energy.domain, energy.per_call, energy.flags)

The sensor of an A100 or H100 looks for 25 of every 100 ms, and work in step with it is seen wrongly
however long it is watched. Here the calls are made in blocks that begin at other phases of the
sensor each (:mod:`wattmark.metrology.repeats`); what one block hides another shows. So it is for a
sensor that shows power, and for a counter that adds up what such a sensor saw. Where no meter in
use is either there is one block.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from wattmark.errors import MeterError
from wattmark.metering.accelerators import synchronise
from wattmark.metering.part_time import Watched, watching
from wattmark.metering.readings import Reading, Readings
from wattmark.metering.used_gpus import Charging, Work
from wattmark.metrology.repeats import repeated_energy
from wattmark.quantities import Grade, Quantity, Reason, sum_of_parts
from wattmark.records import EnergyWindow

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
        call_s = _seconds_of(work)
        with watching(opened.meters) as watched:
            # the one that needs the most blocks says when they begin
            leading = max(watched, key=lambda one: len(one.phase_shifts_s()), default=None)
            shifts_s = leading.phase_shifts_s() if leading else (0.0,)
            calls = max(1, round(seconds / len(shifts_s) / call_s))
            charging = Charging(opened, Work.own(), whole_node=whole_node)
            charging.begin()
            blocks: list[_Block] = []
            for shift_s in shifts_s:
                if leading and blocks:
                    leading.wait_for_phase(blocks[0].start_ns, shift_s)
                blocks.append(_block(work, calls, opened))
            charging.end()
            found = _energies(opened, blocks, calls, watched)
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


def _energies(
    opened: Readings, blocks: Sequence[_Block], calls: int, watched: Sequence[Watched] = ()
) -> list[RepeatedEnergy]:
    """Joules a call of each meter and domain."""
    part_time = {(one.meter, one.domain): one for one in watched}
    parts: dict[tuple[str, str], list[EnergyWindow]] = {}
    for block in blocks:
        for window in opened.energy(block.before, block.after):
            parts.setdefault((window.meter, window.domain), []).append(window)
    across = opened.energy(blocks[0].before, blocks[-1].after)
    whole = {(window.meter, window.domain): window for window in across}
    found = []
    for (meter, domain), windows in parts.items():
        if (its := part_time.get((meter, domain))) is not None:
            gross, flags = _pooled(whole[meter, domain], blocks, its)
            shared = (f for f in whole[meter, domain].flags if f is Reason.SHARED_DEVICE)
            flags = tuple(dict.fromkeys((*flags, *shared)))
        else:
            gross = sum_of_parts((None, window.gross) for window in windows)
            flags = tuple(dict.fromkeys(flag for w in windows for flag in w.flags))
        per_call = gross / Quantity.exact(calls * len(blocks), "call")
        found.append(RepeatedEnergy(meter, domain, per_call, flags))
    return found


def _pooled(
    whole: EnergyWindow, blocks: Sequence[_Block], watched: Watched
) -> tuple[Quantity, tuple[Reason, ...]]:
    """Energy of all blocks, from the updates over the whole time; missing as that is."""
    if whole.gross.reason is not None:
        return whole.gross, whole.flags
    sensor = watched.sensor
    around_s = 2 * (sensor.update_period_s + sensor.averaging_s)
    origin_ns = blocks[0].start_ns - round(NS_PER_S * around_s)
    if (shown := watched.updates(origin_ns)) is None:
        return Quantity.missing("J", Reason.SENSOR_LOST, "no reading was seen"), ()
    lengths_s = np.array([block.length_s for block in blocks])
    length_s = float(np.median(lengths_s))
    said = repeated_energy(
        shown,
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
