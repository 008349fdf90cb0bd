"""Instruments of a whole node that a settings file names: plugs, BMCs, exporters.

One kind of instrument a file (entry point group ``wattmark.meter_kinds``), and what they share:
settings, figures, counting, and the base of those that send by themselves (``pushed``). Nothing
here is found without being named by the user.
"""

from __future__ import annotations

from wattmark.meters.node.counting import Counted
from wattmark.meters.node.figure import Figure, Watts
from wattmark.meters.node.node_settings import NodeSettings
from wattmark.meters.node.pushed import Pushed, PushingInstrument, Receive
from wattmark.meters.polling import Polled

__all__ = [
    "Counted",
    "Figure",
    "NodeSettings",
    "Polled",
    "Pushed",
    "PushingInstrument",
    "Receive",
    "Watts",
]
