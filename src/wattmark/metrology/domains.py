"""Which domains add up to the whole that was measured."""

from __future__ import annotations

from collections.abc import Iterable


def summed(domains: Iterable[str]) -> frozenset[str]:
    """The domains whose energies add up without counting a joule twice.

    ``node`` holds all the others; where it is there, it is the sum.
    """
    found = frozenset(domains)
    return frozenset({"node"}) if "node" in found else found
