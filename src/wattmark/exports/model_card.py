"""A model card's front matter (`co2_eq_emissions`, Hugging Face) and a table of the figures.

Hugging Face's `emissions` are grams of training, and so are place and hardware beside them. They
are given where the training file has them; inference is in the table with its own place and
hardware, and nothing of it is put in the place of training's.
"""

from __future__ import annotations

from typing import Any

import yaml

from wattmark.contracts import Exported
from wattmark.exports.subject import Omissions, Subject
from wattmark.formatting import quantity_text
from wattmark.reports.impact_table import on_basis


class ModelCard:
    """The format ``model-card``."""

    name = "model-card"
    title = "front matter and a table for a README.md (Hugging Face)"

    def document(self, subject: Subject) -> Exported:
        """Front matter and a table in Markdown, to be put in a README.md."""
        run, open_ = subject.run, Omissions()
        emissions: dict[str, Any] = {}
        grams = open_.value("co2_eq_emissions.emissions", subject.training_kg(), "g")
        if grams is not None:
            emissions["emissions"] = grams
        emissions["source"] = f"wattmark {run.environment.wattmark}, run {run.id}"
        training = subject.training
        for name, known, how in (
            ("geographical_location", subject.training_place, "region"),
            ("hardware_used", training and training.hardware_used, "hardware_used"),
        ):
            if known:
                emissions[name] = known
            else:
                open_.add(f"co2_eq_emissions.{name}", f"of training: give {how} in --training")
        open_.add("co2_eq_emissions.training_type", "pre-training or fine-tuning is not known")
        front = yaml.safe_dump({"co2_eq_emissions": emissions}, sort_keys=False, allow_unicode=True)
        rows = []
        for line in subject.impact.lines:
            if line.quantity.known:
                rows.append(f"| {line.title} | {quantity_text(on_basis(line.quantity))} |")
            else:
                open_.value(line.title, line.quantity)
        text = "\n".join(
            [
                "---",
                front.rstrip(),
                "---",
                "",
                f"## Inference impact: {subject.result.id}, in {subject.impact.place.name}, "
                f"on {run.environment.hardware}",
                "",
                "| | a query |",
                "| --- | --- |",
                *rows,
                "",
                *(f"- {fact.sentence()}" for fact in subject.facts()),
                "",
                "Left open:",
                "",
                *(f"- {omission}" for omission in open_.listed),
            ]
        )
        return Exported(text + "\n", tuple(open_.listed))
