"""Which protocols of servers there are, by name."""

from __future__ import annotations

from collections.abc import Callable

from wattmark.endpoints.api import Api
from wattmark.endpoints.oip_v2 import OipV2
from wattmark.endpoints.openai import Chat, Completions, Embeddings
from wattmark.errors import UnknownNameError


def api(name: str, *, max_tokens: int | None = None, stream: bool = True) -> Api:
    """The protocol of that name. ``max_tokens`` and ``stream`` are for generation.

    Raises UnknownNameError.
    """
    known: dict[str, Callable[[], Api]] = {
        "openai": lambda: Chat(max_tokens, stream),
        "openai-completions": lambda: Completions(max_tokens, stream),
        "openai-embeddings": Embeddings,
        "oip-v2": OipV2,
    }
    if name not in known:
        raise UnknownNameError("API", name, known)
    return known[name]()
