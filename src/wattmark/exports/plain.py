"""The figures themselves: every line of impact as rows (CSV), or as a document (JSON)."""

from __future__ import annotations

import csv
import io
import json

from wattmark.exports.subject import Export, Omissions, Subject
from wattmark.reports.impact_json import document

_COLUMNS = (
    *("run", "setup", "place", "key", "title", "value", "low", "high", "unit", "level"),
    *("grade", "reason", "detail", "formula", "sources"),
)


def render_csv(subject: Subject) -> Export:
    """One row a line, per query; a missing figure has its reason in its row."""
    open_, stream = Omissions(), io.StringIO()
    writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for line in subject.impact.lines:
        open_.value(line.title, line.quantity)
        quantity = line.quantity.model_dump(mode="json")
        writer.writerow(
            {name: quantity[name] for name in _COLUMNS if name in quantity}
            | {
                "run": subject.run.id,
                "setup": subject.result.id,
                "place": subject.impact.place.name,
                "key": line.key,
                "title": line.title,
                "formula": line.formula,
                "sources": "; ".join(
                    dict.fromkeys(str(s) for f in line.factors for s in f.sources)
                ),
            }
        )
    return Export(stream.getvalue(), tuple(open_.listed))


def render_json(subject: Subject) -> Export:
    """The impact with all factors, the result that it is of, and what is left open."""
    open_ = Omissions()
    for line in subject.impact.lines:
        open_.value(line.title, line.quantity)
    found = document({subject.result.id: subject.impact}, None) | {
        "run": subject.run.id,
        "model": subject.run.model.model_dump(mode="json"),
        "task": subject.run.task.model_dump(mode="json"),
        "environment": subject.run.environment.model_dump(mode="json"),
        "result": subject.result.model_dump(mode="json"),
        "omissions": open_.listed,
    }
    return Export(json.dumps(found, indent=2, ensure_ascii=False), tuple(open_.listed))
