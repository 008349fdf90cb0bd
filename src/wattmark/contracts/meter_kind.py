"""A kind of instrument that a user names in a settings file: how it is set up, and made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from wattmark.contracts.meter import Meter


@dataclass(frozen=True)
class MeterKind:
    """What an entry point of the group ``wattmark.meter_kinds`` names.

    A *meter* (group ``wattmark.meters``) finds its hardware by itself: a counter of the processor,
    of a card. A kind of meter is for what only its user knows: which plug, at which address. The
    user names each in ``meters.yaml``, as ``NAME: {kind: KIND, ...}``; from then on NAME is a meter
    like any other. Settings are best derived from
    :class:`wattmark.meters.node.NodeSettings`, which has what all kinds need.

    ``settings`` is the model of one entry of the settings file; it has a field ``kind`` and
    forbids unknown keys. ``build`` makes the meter from the instrument's name and its checked
    settings, and asks nothing of the instrument yet. ``example`` is one line for the settings
    file, and ``needs`` what must be there besides, for the person who has configured none.
    """

    settings: type[BaseModel]
    build: Callable[[str, Any], Meter]
    example: str
    needs: str = ""
