"""The sheet of ITU-T L.1801 (ETSI ES 204 135): impact of an AI system, training apart.

The recommendation asks for a functional unit, for training and inference as lines of their own,
for greenhouse gases (with water and minerals recommended), and for omissions to be declared.
"""

from __future__ import annotations

from wattmark.contracts import Exported
from wattmark.exports.sheet import Sheet
from wattmark.exports.subject import Subject
from wattmark.quantities import Quantity, Reason


class ItuL1801:
    """The format ``itu-l1801``."""

    name = "itu-l1801"
    title = "environmental impact of an AI system, ITU-T L.1801"

    def document(self, subject: Subject) -> Exported:
        """The sheet in Markdown."""
        impact, tokens = subject.impact, subject.impact.use.tokens
        sheet = Sheet("Environmental impact of an AI system, after ITU-T L.1801")
        sheet.section("Functional unit")
        sheet.point("functional unit", f"one query: a {subject.run.task.unit}")
        if tokens is not None:
            sheet.figure("generated tokens a query", tokens)
            sheet.open_.add("input and reasoning tokens", "not counted apart in this result")
        sheet.section("Training")
        sheet.figure("energy", subject.training_kwh())
        sheet.figure("greenhouse gases", subject.training_kg())
        sheet.open_.add("training: water and minerals", "only its energy is described")
        sheet.section("Inference, a query")
        for key in (
            "energy_facility",
            "carbon_location",
            "water_total",
            "adpe_electricity",
            "primary_electricity",
        ):
            line = impact.line(key)
            sheet.figure(line.title, line.quantity)
        sheet.section("Hardware: making it, allocated to a query")
        for key in ("carbon_embodied", "adpe_embodied", "primary_embodied"):
            line = impact.line(key)
            sheet.figure(line.title, line.quantity)
        sheet.section("End of life")
        sheet.figure(
            "greenhouse gases", Quantity.missing("g", Reason.NO_FACTOR, "no source has it")
        )
        sheet.section("Data preparation, storage, network and the user's device")
        sheet.point(
            "outside the boundary", None, "what was measured is one machine while it answers"
        )
        return sheet.export(subject)
