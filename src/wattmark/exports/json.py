"""The figures themselves as one document: impact with its factors, and the result that it is of."""

from __future__ import annotations

import json

from wattmark.contracts import Exported
from wattmark.exports.subject import Omissions, Subject
from wattmark.reports.impact_json import document


class Json:
    """The format ``json``."""

    name = "json"
    title = "the figures with their factors, and the result"

    def document(self, subject: Subject) -> Exported:
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
            "facts": [fact.document() | {"text": fact.sentence()} for fact in subject.facts()],
            "omissions": open_.listed,
        }
        return Exported(json.dumps(found, indent=2, ensure_ascii=False), tuple(open_.listed))
