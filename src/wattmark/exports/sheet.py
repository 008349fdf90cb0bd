"""A disclosure sheet: numbered points with what is known, and what is left open."""

from __future__ import annotations

from dataclasses import dataclass, field

from wattmark.contracts import Exported
from wattmark.exports.subject import Omissions, Subject
from wattmark.formatting import quantity_text
from wattmark.quantities import Quantity
from wattmark.reports.impact_table import on_basis

OPEN = "*Left open.*"


@dataclass
class Sheet:
    """A Markdown document that is filled point by point; what is open is listed at its end."""

    title: str
    lines: list[str] = field(default_factory=list)
    open_: Omissions = field(default_factory=Omissions)

    def section(self, title: str) -> None:
        """Begin a section."""
        self.lines += ["", f"## {title}", ""]

    def point(self, name: str, text: str | None, why: str = "") -> None:
        """A point with its text; where there is none, it is left open and ``why`` is noted."""
        if text is None:
            self.open_.add(name, why)
        self.lines.append(f"- **{name}**: {OPEN if text is None else text}")

    def figure(self, name: str, quantity: Quantity) -> None:
        """A point that is a number, in a unit that reads well, with its grade."""
        if not quantity.known:
            assert quantity.reason is not None
            self.point(name, None, quantity.detail or quantity.reason.sentence)
            return
        grade = f" ({quantity.grade})" if quantity.grade else ""
        self.point(name, quantity_text(on_basis(quantity)) + grade)

    def export(self, subject: Subject) -> Exported:
        """The sheet with its identity at the head and its omissions at the end."""
        run = subject.run
        head = [
            f"# {self.title}",
            "",
            f"Model {run.model.name}, setup {subject.result.id}, run {run.id} of "
            f"{run.created_at[:10]}, in {subject.impact.place.name}. "
            f"Measured with wattmark {run.environment.wattmark}; ranges in brackets.",
        ]
        facts = [f"- {fact.sentence()}" for fact in subject.facts()]
        tail = ["", "## Facts", "", *facts] if facts else []
        tail += ["", "## Omissions", "", *(f"- {text}" for text in self.open_.listed)]
        return Exported("\n".join([*head, *self.lines, *tail]) + "\n", tuple(self.open_.listed))
