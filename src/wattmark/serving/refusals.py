"""What a request is refused for, as HTTP status codes."""

from __future__ import annotations

from wattmark.errors import InputError, UnknownNameError, WattmarkError, WorkerError


class NoSuchModelError(InputError):
    """A request for a model that this server does not have."""


def require_model(asked: str, served: str) -> None:
    """Raise NoSuchModelError where it is another model that is asked."""
    if asked != served:
        raise NoSuchModelError(f"unknown model {asked!r}: this server has {served!r}")


def status_of(error: WattmarkError) -> int:
    """404 for an unknown model, 400 for other input, 503 where the queue is full, else 500."""
    if isinstance(error, NoSuchModelError | UnknownNameError):
        return 404
    if isinstance(error, InputError):
        return 400
    busy = isinstance(error, WorkerError) and error.reason in ("queue_full", "batcher_closed")
    return 503 if busy else 500
