"""Which cards CUDA shows to a program: what CUDA_VISIBLE_DEVICES means.

By NVIDIA, "CUDA C++ Programming Guide", environment variables, and "MIG User Guide", CUDA device
enumeration; where they are silent, as PyTorch reads the variable (``torch.cuda`` counts devices
without starting CUDA):

* Not set: all cards. Empty: none.
* Entries are indices, or UUIDs (``GPU-...``) or beginnings of one that fit one card only. The first
  entry says which. They are enumerated in the order that they are given in.
* An entry that fits nothing ends the list; what stands before it is visible. A card that is named
  twice makes the whole list empty.
* An index counts in the order of CUDA_DEVICE_ORDER: PCI_BUS_ID, which is NVML's, or by default
  FASTEST_FIRST, which is the same where all cards are of one model, and is not published where not.
* ``MIG-UUID`` or ``MIG-GPU-UUID/GI/CI`` is a slice of a card. Of cards that are divided, CUDA shows
  one slice, and where it shows one, no whole card beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wattmark.machine.gpus import Card

VISIBLE, ORDER = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"
_NUMBER = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class Visible:
    """``cards`` in CUDA's order. ``named`` says whether the variable chose them.

    ``guessed``: an index counts in an order that only CUDA knows, and NVML's was taken.
    ``slice_of_unknown`` is the slice that was asked for, where no card is known to hold it.
    """

    cards: tuple[Card, ...]
    named: bool
    guessed: bool = False
    slice_of_unknown: str | None = None


def visible_cards(cards: Sequence[Card], variables: Mapping[str, str]) -> Visible:
    """The cards that a program with these environment variables sees, of all ``cards``."""
    asked = variables.get(VISIBLE)
    if asked is None:
        return Visible(_as_enumerated(cards), named=False)
    first = asked.split(",")[0].strip()
    if first.startswith("MIG-"):
        found = _by_slice(cards, first)
        return Visible(found, named=True, slice_of_unknown=None if found else first)
    if first.startswith("GPU-"):
        return Visible(_as_enumerated(_by_uuid(cards, asked)), named=True)
    one_model = len({card.name for card in cards}) < 2
    sure = one_model or variables.get(ORDER) == "PCI_BUS_ID"
    found = _by_index(cards, asked)
    return Visible(_as_enumerated(found), named=True, guessed=bool(found) and not sure)


def _as_enumerated(cards: Sequence[Card]) -> tuple[Card, ...]:
    divided = [card for card in cards if card.divided]
    return tuple(divided[:1] or cards)


def _by_index(cards: Sequence[Card], asked: str) -> tuple[Card, ...]:
    indices: list[int] = []
    for entry in asked.split(","):
        number = _NUMBER.match(entry.strip())  # as strtol does, `1x` is 1
        index = -1 if number is None else int(number[0])
        if index in indices:
            return ()
        if not 0 <= index < len(cards):
            break
        indices.append(index)
    return tuple(cards[index] for index in indices)


def _by_uuid(cards: Sequence[Card], asked: str) -> tuple[Card, ...]:
    found: list[Card] = []
    for entry in map(str.strip, asked.split(",")):
        fitting = [card for card in cards if card.uuid.startswith(entry)]
        if not entry.startswith("GPU-") or len(fitting) != 1:
            break
        if fitting[0] in found:
            return ()
        found += fitting
    return tuple(found)


def _by_slice(cards: Sequence[Card], entry: str) -> tuple[Card, ...]:
    whole = entry.removeprefix("MIG-").partition("/")[0]
    return tuple(
        card
        for card in cards
        if card.uuid == whole or any(part.startswith(entry) for part in card.slices or ())
    )[:1]
