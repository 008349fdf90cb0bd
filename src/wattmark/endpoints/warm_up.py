"""The first requests to a server, by which it is learnt which options it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.endpoints.address import Server
from wattmark.endpoints.api import Api
from wattmark.endpoints.arrivals import ClosedLoop
from wattmark.endpoints.generator import Generator
from wattmark.endpoints.limits import Limits
from wattmark.endpoints.outcomes import Load, Request

#: With these a server says that it does not take what it was asked.
_REFUSALS = (400, 422)


@dataclass(frozen=True)
class Warmed:
    """What the warm-up gave: the protocol that the server takes, the requests, and their load."""

    api: Api
    asks: Sequence[bytes]
    load: Load


async def warm_up(
    server: Server,
    api: Api,
    model: str,
    prompts: Sequence[Any],
    limits: Limits,
    *,
    clients: int,
    requests: int,
) -> Warmed:
    """Warm a server up; where it refuses an option, ask again without.

    Where nothing helps, what it said at first is in the load. Raises InputError.
    """
    key = server.key()
    first: Warmed | None = None
    asked: Api | None = api
    while asked is not None:
        asks = [server.http(asked.ask(model, prompt), key) for prompt in prompts]
        async with Generator(server, asked, asks, limits) as generator:
            load = await generator.run(ClosedLoop(clients, requests))
        found = Warmed(asked, asks, load)
        first = first or found
        if load.stopped or any(request.failure is None for request in load.requests):
            return found
        refusal = _refusal(load.requests)
        asked = None if refusal is None else asked.easier(refusal)
    assert first is not None
    return first


def _refusal(requests: Sequence[Request]) -> str | None:
    """The words of the first request that was refused for what it asked."""
    for request in requests:
        if request.status in _REFUSALS:
            return request.sentence
    return None
