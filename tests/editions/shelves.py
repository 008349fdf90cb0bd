"""Runs for editions, and editions that were changed by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from synthetic_run import MEASURED, make_result, make_run

from wattmark.editions.edition import Edition, digest, document
from wattmark.editions.edition_files import Editions
from wattmark.records import Run


def a_run(**latency_ms: float) -> Run:
    """The synthetic quickstart; a setup's energy ratio is given by its name, _ for / and -."""
    changed = {
        label: (ms, latency_ms.get(label.replace("/", "_").replace("-", "_"), ratio), right)
        for label, (ms, ratio, right) in MEASURED.items()
    }
    return make_run([make_result(label, *figures) for label, figures in changed.items()])


def rewritten(shelf: Editions, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the first edition's file, and give it the digest of what it then says."""
    path = shelf.folder / "2026-H1.json"
    data = json.loads(path.read_text())
    change(data)
    data["digest"] = digest(document(Edition.model_validate(data)))
    path.write_text(json.dumps(data))
