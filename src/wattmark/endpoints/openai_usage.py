"""The token counts that OpenAI-compatible servers give, and which of them cannot be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from wattmark.endpoints.api import Reply

#: No request has so many tokens; a larger number is a fault of the server.
_MOST_TOKENS = 10**9
#: What prompt and completion tokens are called: by OpenAI, and by mlx-vlm and OpenAI's newer API.
_NAMES = (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"))


def take_usage(
    reply: Reply, value: Mapping[str, Any], choices: Sequence[Mapping[str, Any]]
) -> bool:
    """Take the counts of an object's ``usage``; whether there is one.

    Moonshot's servers put it into the choice. A count that cannot be (below 0, not whole, more
    than the total) is left out, and ``count_fault`` says so.
    """
    usage = value.get("usage")
    if usage is None:
        for choice in choices:
            usage = choice.get("usage") or usage
    if not isinstance(usage, dict):
        return False
    names = [next((n for n in known if usage.get(n) is not None), None) for known in _NAMES]
    tokens_in, tokens_out = (None if name is None else _count(reply, usage, name) for name in names)
    total: Any = usage.get("total_tokens")
    if _is_count(total) and (tokens_in or 0) + (tokens_out or 0) > total:
        reply.tokens_in = reply.tokens_out = None
        reply.count_fault = (
            f"the server's usage says {tokens_in} prompt_tokens and {tokens_out} "
            f"completion_tokens but total_tokens {total}"
        )
        return True
    if tokens_in == 0:
        reply.count_fault = "the server's usage says prompt_tokens 0, but there was a prompt"
        tokens_in = None
    reply.tokens_in = reply.tokens_in if tokens_in is None else tokens_in
    if names[1] is not None:
        reply.tokens_out = tokens_out
    return True


def refuse_no_tokens(reply: Reply) -> None:
    """Do not believe a count of 0 tokens for a reply that holds text."""
    if reply.texts and reply.tokens_out == 0:
        reply.tokens_out = None
        reply.count_fault = "the server's usage says 0 completion_tokens, but there is text"


def _is_count(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and 0 <= value <= _MOST_TOKENS and value == int(value)


def _count(reply: Reply, usage: Mapping[str, Any], key: str) -> int | None:
    value = usage[key]
    if not _is_count(value):
        reply.count_fault = f"the server's usage says {key} {value!r}, which cannot be"[:200]
        return None
    return int(value)
