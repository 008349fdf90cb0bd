"""A run as JSON: the whole record, as its JSON Schema describes it."""

from __future__ import annotations

from wattmark.records import Run


def render_json(run: Run) -> str:
    """The run's record; ``Run.model_validate_json`` reads it back unchanged."""
    return run.model_dump_json(indent=2) + "\n"
