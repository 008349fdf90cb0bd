"""The figures themselves, for a spreadsheet: every line of impact as a row."""

from __future__ import annotations

import csv
import io

from wattmark.contracts import Exported
from wattmark.exports.facts import line_boundary
from wattmark.exports.subject import Omissions, Subject

_COLUMNS = (
    *("run", "setup", "place", "key", "title", "value", "low", "high", "unit", "level"),
    *("grade", "reason", "detail", "formula", "sources"),
    *("phase", "boundary", "scope"),
)


class Csv:
    """The format ``csv``."""

    name = "csv"
    title = "the figures, a row each"

    def document(self, subject: Subject) -> Exported:
        """One row a line, per query, then one a fact; a missing figure has its reason."""
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
                    "phase": "inference",
                    "boundary": line_boundary(line.key),
                    "scope": "a query",
                }
            )
        for fact in subject.facts():
            told = fact.quantity.model_dump(mode="json") | fact.document() | {"title": fact.title}
            own = {"run": subject.run.id, "setup": subject.result.id}
            writer.writerow({name: told[name] for name in _COLUMNS if name in told} | own)
        return Exported(stream.getvalue(), tuple(open_.listed))
