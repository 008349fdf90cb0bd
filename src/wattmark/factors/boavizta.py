"""Embodied impact of a server from a BoaviztAPI that the user runs (``BOAVIZTA_URL``).

Boavizta's data is AGPL-3.0: it is asked for, never copied. A device is written
``boavizta/ARCHETYPE``; its lifetime is Boavizta's default for servers, four years.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlencode

from wattmark.errors import ImpactError, SignalError
from wattmark.factors.devices import Device
from wattmark.factors.factor import Factor, Source
from wattmark.factors.web import ask
from wattmark.quantities import Reason

URL = "BOAVIZTA_URL"
PREFIX = "boavizta/"
#: 35 040 h, the service's default lifetime of a server
LIFETIME_YEARS = 4.0

#: criterion of the service -> (what it is called here, its unit)
_CRITERIA = {
    "gwp": ("embodied carbon", "kg"),
    "adp": ("embodied resources (ADPe)", "kgSb"),
    "pe": ("embodied primary energy", "MJ"),
}


def boavizta_device(archetype: str) -> Device:
    """The server of that archetype. Raises ImpactError that says what the service answered."""
    base = os.environ.get(URL)
    if not base:
        raise ImpactError(f"device: {PREFIX}{archetype} needs {URL}, the address of a BoaviztAPI")
    query = urlencode([("archetype", archetype), *(("criteria", c) for c in _CRITERIA)])
    try:
        answer = ask(f"{base.rstrip('/')}/v1/server/?{query}", {})
    except SignalError as error:
        raise ImpactError(f"device: {error}") from None
    source = Source(title=f"BoaviztAPI, archetype {archetype}", url=base, licence="AGPL-3.0")
    carbon, adpe, primary = (_made(answer, c, archetype, source) for c in _CRITERIA)
    lifetime = Factor.of(f"lifetime of {archetype}", LIFETIME_YEARS, "year", source)
    return Device(f"{PREFIX}{archetype}", "server", carbon, adpe, primary, lifetime)


def _made(answer: Any, criterion: str, archetype: str, source: Source) -> Factor:
    title, unit = _CRITERIA[criterion]
    name = f"{title} of {archetype}"
    try:
        embedded = answer["impacts"][criterion]["embedded"]
        value = float(embedded["value"])
        low, high = (float(embedded.get(end, value)) for end in ("min", "max"))
    except (KeyError, TypeError, ValueError, AttributeError):
        return Factor.missing(name, unit, Reason.NO_FACTOR, "the service gave no figure")
    return Factor.of(name, value, unit, source, low=min(low, value), high=max(high, value))
