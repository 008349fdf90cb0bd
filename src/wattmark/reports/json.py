"""A run as JSON: the whole record, as its JSON Schema describes it."""

from __future__ import annotations

from wattmark.contracts import Reported
from wattmark.records import Run


class Json:
    """``json``: the whole record."""

    name = "json"
    title = "the whole record"

    def render(self, reported: Reported) -> str:
        """The record, which reads back unchanged."""
        return render_json(reported.run)


def render_json(run: Run) -> str:
    """The run's record; ``Run.model_validate_json`` reads it back unchanged."""
    return run.model_dump_json(indent=2) + "\n"
