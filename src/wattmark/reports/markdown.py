"""A run as Markdown: conclusions, table, failures and method, for an issue or a README."""

from __future__ import annotations

import re

from wattmark.contracts import Reported
from wattmark.formatting import duration_text
from wattmark.records import Run
from wattmark.reports.cells import Row, Table
from wattmark.reports.conclusions import conclusions
from wattmark.reports.loadgen_rows import bound_table, loadgen_table
from wattmark.reports.method import method
from wattmark.reports.rows import table
from wattmark.reports.three_energies import three_energies
from wattmark.reports.totals import totals_remark


class Markdown:
    """``md``: conclusions and table, for an issue or a README."""

    name = "md"
    title = "conclusions and table, for an issue or a README"

    def render(self, reported: Reported) -> str:
        """Conclusions, table, failures and method."""
        return render_markdown(reported.run)


def render_markdown(run: Run) -> str:
    """The run as GitHub-flavoured Markdown. What users chose is escaped."""
    lines = [
        f"# {escape(run.plan.name)}: {escape(run.model.name)}, {escape(run.task.name)}",
        "",
        *(f"{n}. {escape(sentence)}" for n, sentence in enumerate(conclusions(run), 1)),
        "",
        *_table_lines(table(run)),
        "",
        f"Run `{run.id}` of {escape(run.created_at)} on {escape(run.environment.cpu_model)}, "
        f"{len(run.environment.cpus_allowed)} cores; prepared in "
        f"{duration_text(run.prepared_s)}, measured for {duration_text(run.measured_s)}. "
        "Brackets hold intervals.",
        "",
    ]
    if remark := totals_remark(run):
        lines += [escape(remark), ""]
    failures = [(r.id, r.failure) for r in run.results if r.failure]
    if failures:
        lines += ["## Failed trials", ""]
        lines += [f"- {escape(i)}, {f.stage}: {escape(f.message)}" for i, f in failures]
        lines.append("")
    if (tests := loadgen_table(run)).rows:
        lines += ["## MLPerf LoadGen", "", *_table_lines(tests), ""]
    if (bounds := bound_table(run)).rows:
        lines += [*_table_lines(bounds), ""]
    if (energies := three_energies(run)).rows:
        lines += ["## Energy, three ways", "", *_table_lines(energies), ""]
    lines += ["## Method", ""]
    lines += [f"- **{heading}.** {escape(text)}" for heading, text in method(run)]
    return "\n".join(lines) + "\n"


def _table_lines(content: Table) -> list[str]:
    heads = [c.title for c in content.columns]
    rules = ["---:" if c.numeric else "---" for c in content.columns]
    rows = [[escape(text) for text in _texts(row)] for row in content.rows]
    return [f"| {' | '.join(cells)} |" for cells in ([escape(h) for h in heads], rules, *rows)]


def _texts(row: Row) -> list[str]:
    first, *others = (cell.text for cell in row.cells)
    marks = ", baseline" * row.baseline + ", misses the quality gate" * (row.gate_passed is False)
    if row.failure:
        return [first + marks, row.failure, *("" for _ in others[1:])]
    return [first + marks, *others]


def escape(text: str) -> str:
    """Escape what Markdown or HTML would interpret; line ends become spaces."""
    flat = " ".join(text.split("\n"))
    escaped = re.sub(r"([\\`*_\[\]|#~])", r"\\\1", flat)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
