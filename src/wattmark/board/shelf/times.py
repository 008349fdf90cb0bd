"""The time as the board writes it: ISO 8601 in UTC, to the second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> str:
    """The time now."""
    return _written(datetime.now(UTC))


def later(seconds: float) -> str:
    """The time in so many seconds."""
    return _written(datetime.now(UTC) + timedelta(seconds=seconds))


def today() -> str:
    """The date."""
    return now()[:10]


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
