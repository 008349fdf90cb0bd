"""How long a request may take, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.endpoints.connection import Exchange
from wattmark.endpoints.outcomes import Failure


@dataclass(frozen=True)
class Limits:
    """How long a request may take, in seconds by stage, and how many connections there may be."""

    connect_s: float = 10.0
    first_byte_s: float = 120.0
    stall_s: float = 60.0
    total_s: float = 600.0
    connections: int = 10_000


def overdue(
    exchange: Exchange, now_ns: int, start_ns: int, limits: Limits, *, connecting: bool
) -> Failure | None:
    """The limit that a request has passed, or None.

    ``now_ns`` counts from the start of the load, which was at ``start_ns`` of the clock.
    """
    request = exchange.request
    if now_ns - request.issued_ns > limits.total_s * 1e9:
        return Failure.TOTAL_TIMEOUT
    if request.sent_ns is None:
        late = now_ns - request.issued_ns > limits.connect_s * 1e9
        return Failure.CONNECT_TIMEOUT if late and connecting else None
    if exchange.byte_ns is None:
        late = now_ns - request.sent_ns > limits.first_byte_s * 1e9
        return Failure.FIRST_BYTE_TIMEOUT if late else None
    late = now_ns + start_ns - exchange.byte_ns > limits.stall_s * 1e9
    return Failure.STALL_TIMEOUT if late else None
