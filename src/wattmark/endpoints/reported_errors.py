"""The ways in which a reply with status 200 says that the request failed.

A stream has said 200 before its first token, so a server that fails later can say so in an event
only, and servers do it in several forms: the member ``error`` of OpenAI's and most others'
(``detail`` of FastAPI's), ``"object": "error"`` of vLLM until 0.9 and FastChat, ``"type":
"error"``, a message without choices, ``base_resp`` of MiniMax, and a ``finish_reason`` that is no
end of a text (``error`` of OpenRouter, ``abort`` of SGLang, ``network_error`` of Z.ai).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_MESSAGES = ("message", "msg", "detail", "error_message", "error_msg", "errmsg", "status_msg")
_NO_END = ("abort", "aborted", "cancelled", "canceled", "failed", "network_error", "timeout")
#: Where an event has choices and none of these, only a choice can say that it failed.
_SIGNS = {"error", "errors", "type", "success", "base_resp"}
#: So much of what a server said is kept.
_KEPT = 200


def reported_error(value: Mapping[str, Any]) -> str | None:
    """What a reply, or an event of one, says of a failure; None where it says nothing of one."""
    choices = value.get("choices")
    if (
        isinstance(choices, list) and choices and value.keys().isdisjoint(_SIGNS)
    ):  # every token's event
        return _of_choices(choices)
    for key in ("error", "errors"):
        if value.get(key):
            return sentence_of(value[key], value)
    if "error" in (value.get("object"), value.get("type")) or value.get("success") is False:
        return sentence_of(value, value)
    base = value.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):
        return sentence_of(base, base)
    if isinstance(choices, list):
        return _of_choices(choices)
    said_something = any(isinstance(value.get(key), (str, list)) for key in _MESSAGES)
    carries = any(value.get(key) for key in ("usage", "data", "outputs", "choices"))
    return sentence_of(value, value) if said_something and not carries else None


def sentence_of(said: Any, around: Mapping[str, Any]) -> str:
    """The sentence in what a server said of a failure, behind its code where it has one."""
    within = said if isinstance(said, dict) else {}
    if isinstance(said, list) and said:
        return sentence_of(said[0], around)
    text = next((within[key] for key in _MESSAGES if within.get(key)), None)
    code = next(
        (
            place[key]
            for place in (within, around)
            for key in ("code", "status_code", "status")
            if isinstance(place.get(key), (int, str)) and place.get(key) not in ("", True, False)
        ),
        None,
    )
    if isinstance(text, dict):
        text = next((text[key] for key in _MESSAGES if text.get(key)), text)
    sentence = str(said if text is None else text)[:_KEPT]
    return sentence if code is None else f"{code}: {sentence}"


def _of_choices(choices: Sequence[Any]) -> str | None:
    for choice in choices:
        if (said := _of_choice(choice)) is not None:
            return said
    return None


def _of_choice(choice: Any) -> str | None:
    if not isinstance(choice, dict):
        return None
    if choice.get("error"):
        return sentence_of(choice["error"], {})
    reason = choice.get("finish_reason")
    if reason is None:
        return None
    if isinstance(reason, dict):  # of SGLang's own API: {"type": "abort", "message": ...}
        kind = str(reason.get("type", ""))
        return sentence_of(reason, {}) if _is_failure(kind) else None
    if isinstance(reason, str) and _is_failure(reason):
        return f"the generation ended with finish_reason {reason!r}"
    return None


def _is_failure(reason: str) -> bool:
    return reason.lower().startswith("error") or reason.lower() in _NO_END
