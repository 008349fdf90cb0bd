"""Ids of runs, made in one place for all kinds: the time in UTC, a label, four digits by chance."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

_TIME = "%Y%m%d-%H%M%S"
_TIME_LETTERS = len("20260101-120000")


def new_run_id(label: str, created_at: datetime) -> str:
    """``20260101-120000-LABEL-1f2e``; ``created_at`` is in UTC."""
    return f"{created_at.strftime(_TIME)}-{label}-{secrets.token_hex(2)}"


def created_at(run_id: str) -> str:
    """When the run of that id began, as ISO 8601 in UTC; empty where the id does not say."""
    try:
        time = datetime.strptime(run_id[:_TIME_LETTERS], _TIME)
    except ValueError:
        return ""
    return time.replace(tzinfo=UTC).isoformat(timespec="seconds")
