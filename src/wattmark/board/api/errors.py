"""How the API says no: one envelope for every error."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_SAID = {
    400: "The body is not JSON.",
    401: "A token is missing, unknown, revoked or expired.",
    403: "The token lacks the scope.",
    404: "It is not here, or not for this caller.",
    409: "It contradicts what the board has: a duplicate, or decided already.",
    413: "The body is too large.",
    415: "The body is not application/json, or is packed.",
    422: "A parameter, or what the body says, is not possible; the message says which and why.",
    429: "Too often; the header Retry-After says in how many seconds to try again.",
    503: "The board's database cannot be read or written now.",
}


class Told(BaseModel):
    """What was wrong."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(description="For programs; it does not change.")
    message: str = Field(description="For people: what was wrong, where, and what to do.")


class ErrorEnvelope(BaseModel):
    """Every answer that is not a success."""

    model_config = ConfigDict(extra="forbid")

    error: Told


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Responses of an operation that are errors, for its OpenAPI; any may end with 503."""
    return {
        status: {"model": ErrorEnvelope, "description": _SAID[status]}
        for status in (*statuses, 503)
    }
