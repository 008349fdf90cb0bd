"""A load of a server as c49d51f kept it: 40 requests by a Poisson process, one bound missed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wattmark.records import EndpointRun

FILE = Path(__file__).parent / "workflows" / "fixtures" / "c49d51f" / "endpoint_run.json"


def old_endpoint_run(**changes: Any) -> EndpointRun:
    """The run, with other fields where they are given."""
    return EndpointRun.model_validate_json(FILE.read_bytes()).model_copy(update=changes)
