"""The OpenAI-compatible API for generators of text: the server's side.

Fields are those of OpenAI's published API reference. Decoding is greedy. A chat's messages are
joined to one prompt, a line each as ``role: content``, which ends in ``assistant:``; of a chat
with one message of the user the prompt is its text alone.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field

from wattmark.batching.asyncio_batcher import AsyncioBatcher
from wattmark.errors import InputError, WattmarkError
from wattmark.serving.loaded import LoadedModel, Query
from wattmark.serving.refusals import require_model


class _Common(BaseModel):
    model: str
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = 0.0
    n: int | None = 1
    stop: str | list[str] | None = None
    stream: bool = False
    stream_options: dict[str, Any] | None = None


class _Completion(_Common):
    prompt: str


class _Message(BaseModel):
    role: str
    content: str


class _Chat(_Common):
    messages: list[_Message] = Field(min_length=1)


@dataclass(frozen=True)
class _Asked:
    """One request in the form that both endpoints share."""

    kind: Literal["chat", "text"]
    prompt: str
    body: _Common

    def choice(self, text: str, *, streamed: bool, end: str | None) -> dict[str, Any]:
        said: dict[str, Any] = {"index": 0, "finish_reason": end}
        if self.kind == "text":
            return {**said, "text": text}
        part = {"role": "assistant", "content": text}
        return {**said, "delta" if streamed else "message": part}

    def named(self, *, streamed: bool) -> str:
        if self.kind == "text":
            return "text_completion"
        return "chat.completion.chunk" if streamed else "chat.completion"


def routes(loaded: LoadedModel, batcher: AsyncioBatcher) -> APIRouter:
    """Models, completions and chat completions of one generator."""
    router = APIRouter(prefix="/v1")

    @router.get("/models")
    async def models() -> dict[str, Any]:
        entry = {"id": loaded.name, "object": "model", "owned_by": "wattmark"}
        return {"object": "list", "data": [entry]}

    @router.post("/completions")
    async def completions(body: _Completion) -> Response:
        return await _answered(loaded, batcher, _Asked("text", body.prompt, body))

    @router.post("/chat/completions")
    async def chat(body: _Chat) -> Response:
        return await _answered(loaded, batcher, _Asked("chat", _joined(body.messages), body))

    return router


def _joined(messages: list[_Message]) -> str:
    if len(messages) == 1 and messages[0].role == "user":
        return messages[0].content
    return "\n".join([*(f"{m.role}: {m.content}" for m in messages), "assistant:"])


async def _answered(loaded: LoadedModel, batcher: AsyncioBatcher, asked: _Asked) -> Response:
    body = asked.body
    require_model(body.model, loaded.name)
    if not loaded.generates:
        raise InputError(f"{loaded.name} generates no text: ask it by /v2/models/{loaded.name}")
    if body.temperature:
        raise InputError("temperature must be 0: this server decodes greedily")
    if body.stop or (body.n or 1) != 1:
        raise InputError("this server knows no 'stop', and answers once: leave out 'stop' and 'n'")
    limit = body.max_completion_tokens or body.max_tokens or loaded.limit
    if limit > loaded.limit:
        raise InputError(f"max_tokens={limit} is more than the {loaded.limit} that it can hold")
    inputs = loaded.encoded([asked.prompt])[0]
    tokens: asyncio.Queue[int | None] = asyncio.Queue()  # None: no more
    loop = asyncio.get_running_loop()

    def emit(token: int) -> None:
        loop.call_soon_threadsafe(tokens.put_nowait, token)

    query = Query(inputs, limit, emit if body.stream else None)
    work = asyncio.ensure_future(batcher.ask(query, loaded.bucket(inputs)))
    if body.stream:
        work.add_done_callback(lambda done: tokens.put_nowait(None))
        first = await tokens.get()
        if first is None:
            await work  # raises why there is no token
        events = _events(loaded, asked, query, work, first, tokens)
        return StreamingResponse(events, media_type="text/event-stream")
    found = (await work)[0].tolist()
    text = _text(loaded, query, found)
    end = "stop" if loaded.ended(found) else "length"
    return JSONResponse(
        {
            **_head(loaded, asked, streamed=False),
            "choices": [asked.choice(text, streamed=False, end=end)],
            "usage": _usage(query, len(found)),
        }
    )


async def _events(
    loaded: LoadedModel,
    asked: _Asked,
    query: Query,
    work: asyncio.Future[Any],
    token: int | None,
    tokens: asyncio.Queue[int | None],
) -> AsyncIterator[bytes]:
    head = _head(loaded, asked, streamed=True)
    found: list[int] = []
    shown = ""
    while token is not None:
        found.append(token)
        text = _text(loaded, query, found)
        if not text.endswith("\ufffd"):  # a character whose other bytes are in the next token
            choice = asked.choice(text[len(shown) :], streamed=True, end=None)
            shown = text
            yield _event({**head, "choices": [choice]})
        token = await tokens.get()
    try:
        await work
    except WattmarkError as error:
        yield _event({"error": {"message": str(error), "type": "server_error"}})
        return
    end = "stop" if loaded.ended(found) else "length"
    rest = _text(loaded, query, found)[len(shown) :]
    yield _event({**head, "choices": [asked.choice(rest, streamed=True, end=end)]})
    if (asked.body.stream_options or {}).get("include_usage"):
        yield _event({**head, "choices": [], "usage": _usage(query, len(found))})
    yield b"data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _head(loaded: LoadedModel, asked: _Asked, *, streamed: bool) -> dict[str, Any]:
    made = {"created": int(time.time()), "model": loaded.name}
    return {"id": "wattmark", "object": asked.named(streamed=streamed), **made}


def _text(loaded: LoadedModel, query: Query, tokens: list[int]) -> str:
    return str(loaded.model.postprocess(np.array([tokens], np.int64), query.inputs))


def _usage(query: Query, tokens: int) -> dict[str, int]:
    prompt = int(query.inputs["last"].sum()) + len(query.inputs["last"])
    return {
        "prompt_tokens": prompt,
        "completion_tokens": tokens,
        "total_tokens": prompt + tokens,
    }
