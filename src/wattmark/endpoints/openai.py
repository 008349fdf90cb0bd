"""The OpenAI API: chat completions, completions and embeddings.

Streams are asked for with ``stream_options.include_usage``, so that a server that counts tokens
says so in the last event. The fields are those of OpenAI's published API reference. A server that
refuses one of the options is asked without it.
"""

from __future__ import annotations

import json
import re
from typing import Any, Self

from wattmark.endpoints.api import Ask, Reader
from wattmark.endpoints.openai_replies import reply_reader

#: What may be left out of a request, in the order in which it is tried where a refusal names none.
_SPARED = ("stream_options", "temperature", "max_tokens", "max_completion_tokens", "stream")


class _Generation:
    def __init__(
        self, max_tokens: int | None, stream: bool, left_out: tuple[str, ...] = ()
    ) -> None:
        self._max_tokens, self._stream, self.left_out = max_tokens, stream, left_out
        options: dict[str, Any] = {"temperature": 0}
        if max_tokens is not None:
            # OpenAI's reasoning models know the second name only
            refused = "max_tokens" in left_out
            options["max_completion_tokens" if refused else "max_tokens"] = max_tokens
        if stream and "stream" not in left_out:
            options |= {"stream": True, "stream_options": {"include_usage": True}}
        self._common = {key: value for key, value in options.items() if key not in left_out}

    def reader(self, content_type: str) -> Reader:
        """Events where the server streams; one object where it does not, asked or not."""
        return reply_reader("choices", content_type)

    def easier(self, refusal: str) -> Self | None:
        """The same without the options that a refusal names, or without the next that is to spare.

        A limit on tokens is asked under its newer name before it is left out.
        """
        asked = [name for name in _SPARED if name in self._common]
        named = [name for name in asked if re.search(rf"\b{name}(ing)?\b", refusal)]
        if named[1:]:  # what stands beside "stream" in a refusal is what it is about
            named = [name for name in named if name != "stream"]
        spared = named or asked[:1]
        if not spared:
            return None
        left_out = tuple(dict.fromkeys([*self.left_out, *spared]))
        return type(self)(self._max_tokens, self._stream, left_out)


class Chat(_Generation):
    """Chat completions; a prompt is a text or a list of messages."""

    name = "openai"

    def ask(self, model: str, prompt: Any) -> Ask:
        """The request; a text becomes the one message of the user."""
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        body = {"model": model, "messages": messages, **self._common}
        return Ask("/v1/chat/completions", json.dumps(body).encode())


class Completions(_Generation):
    """Completions of a text."""

    name = "openai-completions"

    def ask(self, model: str, prompt: Any) -> Ask:
        """The request."""
        body = {"model": model, "prompt": prompt, **self._common}
        return Ask("/v1/completions", json.dumps(body).encode())


class Embeddings:
    """Embeddings of a text or a list of texts."""

    name = "openai-embeddings"
    left_out: tuple[str, ...] = ()

    def ask(self, model: str, prompt: Any) -> Ask:
        """The request."""
        return Ask("/v1/embeddings", json.dumps({"model": model, "input": prompt}).encode())

    def reader(self, content_type: str) -> Reader:
        """One object that holds ``data``."""
        return reply_reader("data", content_type)

    def easier(self, refusal: str) -> None:
        """Nothing can be left out."""
        return
