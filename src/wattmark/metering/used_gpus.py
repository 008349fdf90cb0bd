"""Which NVIDIA cards processes use, by UUID, from what they have open.

In order of trust:

1. what the CUDA driver (and PyTorch) say of this process: the devices that it has a context on;
2. what NVML lists: the processes that have each card open. A container may hide them;
3. what CUDA shows to other processes that have loaded it (CUDA_VISIBLE_DEVICES);
4. where no process is known to use CUDA: what that variable names, if it is set. If it is not, no
   card where NVML can list processes, unless children have ended meanwhile; else all, since nobody
   can tell.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from wattmark.machine import process_tree, processes
from wattmark.machine.cuda_driver import opened_uuids, order_in_process
from wattmark.machine.cuda_visible import ORDER, VISIBLE, visible_cards
from wattmark.machine.gpus import Card
from wattmark.metering.accelerators import torch_devices
from wattmark.metering.charge import WHOLE_NODE, Charge
from wattmark.metering.readings import Readings
from wattmark.meters.nvml_cards import nvidia_cards

_DRIVER = "libcuda.so"

#: NVIDIA's multi-process service has the card open for those who use it.
_SERVICE = "nvidia-cuda-mps"


@dataclass(frozen=True)
class Work:
    """The processes that are charged: these and all that descends from them.

    ``company`` are roots of processes that may have the cards open without being others: the
    other workers of a run, the generator of a load. ``uses_gpu`` is None where nobody knows.
    """

    roots: tuple[int, ...]
    company: tuple[int, ...] = ()
    uses_gpu: bool | None = None

    @classmethod
    def own(cls) -> Work:
        """This process."""
        return cls((os.getpid(),))


#: How sure a look is: the process has cards open, may open some, was given some, has none, unknown.
_OPEN, _LOADED, _NAMED, _NONE, _UNKNOWN = range(5)


@dataclass(frozen=True)
class Look:
    """What was seen at one time: the cards ``used``, and how sure that is (lowest: surest).

    ``visible`` are those that the work could have opened; ``ended_s`` is the CPU time of this
    process's children that have ended, which nobody can ask any more.
    """

    used: Charge
    trust: int
    visible: Charge
    ended_s: float

    def until(self, later: Look) -> Charge:
        """What work is charged with that went on between two looks."""
        trust = min(self.trust, later.trust)
        shared = self.visible.shared | later.visible.shared
        if trust == _NONE and self.ended_s != later.ended_s:
            return replace(later.visible, shared=shared)
        found = [look.used for look in (self, later) if look.trust == trust]
        if any(used.gpus is None for used in found):
            return WHOLE_NODE
        gpus = frozenset[str]().union(*(used.gpus or () for used in found))
        divided = frozenset[str]().union(*(used.divided for used in found))
        return Charge(gpus, divided, shared & gpus)


def look_at(work: Work) -> Look:
    """Which cards the work uses now, and which of them others have open."""
    cards = () if work.uses_gpu is False else nvidia_cards()
    ended_s = process_tree.ended_children_s()
    if not cards:
        nothing = Charge(frozenset()) if work.uses_gpu is False else WHOLE_NODE
        return Look(nothing, _UNKNOWN, nothing, ended_s)
    pids = process_tree.tree(work.roots)
    variables = _variables(work.roots[0])
    visible = _visible(cards, variables)
    shared = frozenset(card.domain for card in cards if _others(card, work, pids))

    def charge(found: _Found) -> Charge:
        gpus = frozenset(card.domain for card in found.cards)
        divided = frozenset(card.domain for card in found.cards if card.divided or found.sliced)
        return Charge(gpus, divided, shared)

    def look(found: _Found, trust: int) -> Look:
        return Look(charge(found), trust, charge(visible), ended_s)

    if opened := _opened(cards, pids, visible):
        return look(_Found(opened), _OPEN)
    # of this process the driver has said all, and a library that is loaded opens nothing yet
    others = [pid for pid in pids if pid != os.getpid()]
    if loaded := [pid for pid in others if processes.has_loaded(pid, _DRIVER)]:
        seen = [_visible(cards, _variables(pid)) for pid in loaded]
        together = tuple(dict.fromkeys(card for found in seen for card in found.cards))
        return look(_Found(together, any(found.sliced for found in seen)), _LOADED)
    if VISIBLE in variables:
        return look(visible, _NAMED)
    if work.uses_gpu is None and all(card.processes is not None for card in cards):
        return look(_Found(()), _NONE)
    return look(visible, _UNKNOWN)


class Charging:
    """Says what counts of what open meters see: looks before the work and after it."""

    def __init__(self, meters: Readings, work: Work, *, whole_node: bool = False) -> None:
        self._meters = meters
        self._work = work
        self._looks = meters.see_gpus and not whole_node
        self._before: Look | None = None

    def begin(self) -> None:
        """Look, before the meters are read for the first time."""
        self._before = look_at(self._work) if self._looks else None

    def end(self) -> None:
        """Look again, after they were read for the last time: their energies are what counts."""
        if self._before is not None:
            self._meters.charge = self._before.until(look_at(self._work))


@dataclass(frozen=True)
class _Found:
    """Cards, and whether only a slice of one of them was seen, nobody knows of which."""

    cards: tuple[Card, ...]
    sliced: bool = False


def _variables(pid: int) -> Mapping[str, str]:
    return os.environ if pid == os.getpid() else processes.variables_of(pid)


def _visible(cards: Sequence[Card], variables: Mapping[str, str]) -> _Found:
    seen = visible_cards(cards, variables)
    if seen.slice_of_unknown is not None:
        return _Found(tuple(cards), sliced=True)
    if seen.guessed:
        asked = _by_driver(*(variables.get(name) for name in (VISIBLE, ORDER)))
        if said := _with_uuids(cards, asked):
            return _Found(said)
    return _Found(seen.cards)


@cache
def _by_driver(visible: str | None, order: str | None) -> tuple[str, ...]:
    """The driver is started in a process of its own, once for the same two variables."""
    return order_in_process({VISIBLE: visible, ORDER: order})


def _opened(cards: Sequence[Card], pids: Collection[int], visible: _Found) -> tuple[Card, ...]:
    known = [card for card in cards if card.processes and not card.processes.isdisjoint(pids)]
    if os.getpid() in pids:
        known += _with_uuids(cards, opened_uuids())
        for ordinal, uuid in torch_devices():
            in_order = visible.cards[ordinal : ordinal + 1]
            known += _with_uuids(cards, [uuid]) or in_order
    return tuple(dict.fromkeys(known))


def _with_uuids(cards: Sequence[Card], uuids: Iterable[str]) -> tuple[Card, ...]:
    """The cards with these UUIDs, or with slices that have them; written with a prefix or not."""
    bare = [_bare(uuid) for uuid in uuids]
    return tuple(
        card
        for uuid in bare
        for card in cards
        if uuid in (_bare(card.uuid), *map(_bare, card.slices or ()))
    )


def _bare(uuid: str) -> str:
    return uuid.removeprefix("GPU-").removeprefix("MIG-")


def _others(card: Card, work: Work, pids: Collection[int]) -> bool:
    """Whether processes have a card open that are neither the work's nor its company's.

    In a container NVML may list processes by ids that mean nothing there: then as many are taken
    for the work's as have CUDA loaded.
    """
    listed = card.processes or frozenset()
    family = {*pids, *process_tree.tree(work.company)} if listed else set()
    strangers = {
        pid for pid in listed - family if not processes.command_of(pid).startswith(_SERVICE)
    }
    if strangers == listed and not any(map(processes.command_of, listed)):
        ours = [pid for pid in family if processes.has_loaded(pid, _DRIVER)]
        return len(strangers) > len(ours)
    return bool(strangers)
