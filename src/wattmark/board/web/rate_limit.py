"""How often one may ask: a token bucket for each token or address, in memory.

Each worker process has buckets of its own: with four workers, up to four times as much passes.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Lock

from wattmark.errors import RefusedError

#: So many buckets are kept at most; beyond it, the one that was used longest ago is forgotten.
MOST_BUCKETS = 100_000


class RateLimit:
    """A bucket for each key: ``burst`` at once, then ``rate_per_s`` a second; thread-safe.

    A bucket that has filled up is forgotten, since a new one is the same. ``clock`` gives seconds.
    """

    def __init__(
        self, rate_per_s: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate_per_s, self._burst, self._clock = rate_per_s, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """How many buckets there are."""
        return len(self._buckets)

    def take(self, key: str) -> None:
        """One more of this key. Raises RefusedError 429 ``too_many_requests`` where none is left.

        The error says in ``retry_after_s`` (whole seconds, at least 1) when one will be.
        """
        with self._lock:
            now = self._clock()
            left = self._left(key, now)
            self._buckets[key] = (now, left - 1 if left >= 1 else left)
            self._buckets.move_to_end(key)
            self._forget(now)
        self._require(left)

    def check(self, key: str) -> None:
        """Raise as :meth:`take` would, and take nothing: before work that may prove a failure."""
        with self._lock:
            left = self._left(key, self._clock())
        self._require(left)

    def _left(self, key: str, now: float) -> float:
        at, left = self._buckets.get(key, (now, float(self._burst)))
        return min(self._burst, left + (now - at) * self._rate_per_s)

    def _forget(self, now: float) -> None:
        """The oldest are at the front; one that was not used for so long is full."""
        full_after_s = self._burst / self._rate_per_s
        while self._buckets:
            key, (at, _) = next(iter(self._buckets.items()))
            if now - at < full_after_s and len(self._buckets) <= MOST_BUCKETS:
                return
            del self._buckets[key]

    def _require(self, left: float) -> None:
        if left < 1:
            wait_s = max(1, math.ceil((1 - left) / self._rate_per_s))
            raise RefusedError(
                429,
                "too_many_requests",
                f"too many requests: try again in {wait_s} s",
                retry_after_s=wait_s,
            )


def client_key(address: str) -> str:
    """The key of a client's address: of IPv6 its network of 64 bits, all of which is one client's.

    What is no address (a socket's path) is its own key.
    """
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return str(ip_network((int(found), 64), strict=False))
        found = found.ipv4_mapped
    return str(found)
