"""A run of a plan as a document, with what lies beside its record: commands and raw latencies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wattmark import registry
from wattmark.outside.files import naming
from wattmark.records import Run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def report(run: Run, format_: str) -> str:
    """A run as a document, in an installed format: ``html``, ``md``, ``csv``, ``json`` or another.

    Raises UnknownNameError.
    """
    from wattmark.contracts import Reported

    reported = Reported(run, tuple(reproduce(run)), lambda: latencies_ms(run))
    return registry.report_format(format_).render(reported)


def write_report(run: Run, path: Path) -> None:
    """Write the HTML report: one file that opens offline."""
    text = report(run, "html")
    with naming(path):
        path.write_text(text, encoding="utf-8")


def reproduce(run: Run) -> list[str]:
    """The commands that repeat a run; they carry its plan, so the report alone is enough."""
    import json

    plan = run.plan.model_dump(mode="json", exclude_defaults=True)
    plan["setups"] = [setup.label for setup in run.plan.setups]
    plan["baseline"] = run.plan.baseline_label
    text = json.dumps(plan, indent=1, ensure_ascii=False)
    return [f"cat > plan.json <<'PLAN'\n{text}\nPLAN", "wattmark run plan.json"]


def latencies_ms(run: Run) -> dict[str, NDArray[np.float64]]:
    """Raw latencies of every answered query by trial, in ms."""
    import numpy as np

    from wattmark.store import Store

    latencies: dict[str, NDArray[np.float64]] = {}
    with Store.open() as store:
        for result in run.results:
            blocks = [store.read_samples(run.id, file) for file in result.samples]
            answered = [b["latency_ns"][[e is None for e in b["error"]]] for b in blocks]
            if answered:
                latencies[result.id] = np.concatenate(answered) / 1e6
    return latencies
