"""A run as one HTML file that opens offline.

The file loads nothing. Its Content-Security-Policy forbids everything except the styles and
scripts written into it, which are allowed by their sha256 (W3C, Content Security Policy
Level 3, section 8.3), so text from a run cannot become code even if escaping failed. Charts are
drawn by Observable Plot on D3, vendored in ``static/`` (see ``static/LICENSES.md``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattmark import registry
from wattmark.contracts import Reported
from wattmark.formatting import (
    DASH,
    duration_text,
    number,
    probability_text,
    size_text,
)
from wattmark.rating.rules import find_rule
from wattmark.records import ExecutionRecord, Result, Run
from wattmark.records.reading import ok
from wattmark.reports.cells import Table
from wattmark.reports.conclusions import conclusions
from wattmark.reports.figures import figures
from wattmark.reports.html_parts import breakable, html_environment, policy_hash, static_text
from wattmark.reports.loadgen_rows import bound_table, loadgen_table
from wattmark.reports.method import method
from wattmark.reports.rows import rules, sort_key, table
from wattmark.reports.three_energies import three_energies
from wattmark.reports.totals import TOTALS_AND_RATIOS, totals_remark

if TYPE_CHECKING:
    from jinja2 import Environment

_SCRIPTS = ("d3.min.js", "plot.umd.min.js", "frameworks.js", "report.js")
_STYLE = "report.css"
#: What Plot itself inserts as a <style> for the class name that report.js asks for.
_PLOT_STYLE = "plot-inline.css"


class Html:
    """``html``: one file that opens offline."""

    name = "html"
    title = "one page with charts that opens offline"

    def render(self, reported: Reported) -> str:
        """The page, with the latencies of all queries and the commands that repeat the run."""
        return render_html(reported.run, reported.latencies_ms(), reported.commands)


def render_html(
    run: Run, latencies_ms: Mapping[str, NDArray[np.float64]], commands: Sequence[str]
) -> str:
    """The report of a run.

    ``latencies_ms`` holds the latencies of all counted queries in ms by trial id; a trial that
    is not in it has no distribution drawn. ``commands`` reproduce the run, one per line.
    """
    results = sorted(run.results, key=sort_key)
    content = table(run)
    origins = {_origin(content, r) for r in results if ok(r)}
    if len(origins) == 1:  # said once, above the table
        content = content.without("energy_grade").without("energy_meters")
    template = _environment().get_template("report.html")
    return template.render(
        run=run,
        policy=content_security_policy(),
        style=static_text(_STYLE),
        scripts=[static_text(name) for name in _SCRIPTS],
        conclusions=conclusions(run),
        table=content,
        grade=origins.pop() if len(origins) == 1 else "",
        energies=three_energies(run),
        totals=totals_remark(run) or TOTALS_AND_RATIOS,
        loadgen=loadgen_table(run),
        bounds=bound_table(run),
        figures=figures(run, latencies_ms),
        rules=rules(run),
        rule_texts={
            name: find_rule(name).text for name in rules(run) if name in registry.names("rule")
        },
        results=[r for r in results if ok(r)],
        failed=[r for r in results if r.failure],
        checks={r.id: worst_check(r) for r in results},
        method=method(run),
        commands=commands,
    )


def _origin(content: Table, result: Result) -> str:
    """``counted, by nvml + rapl``: grade and instruments of a result's energy."""
    grade, meters = (content.cell(result.id, f"energy_{key}") for key in ("grade", "meters"))
    return grade.text if meters.missing else f"{grade.text}, by {meters.text}"


@cache
def content_security_policy() -> str:
    """The policy that allows the report's own styles and scripts, and nothing else."""
    scripts = " ".join(policy_hash(static_text(name).encode()) for name in _SCRIPTS)
    styles = " ".join(policy_hash(static_text(name).encode()) for name in (_STYLE, _PLOT_STYLE))
    return (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; "
        "base-uri 'none'; form-action 'none'"
    )


def worst_check(result: Result) -> dict[str, Any] | None:
    """The conversion check of a result: the worst of its executions, as texts."""
    checks = [e.check for e in result.executions]
    if not checks:
        return None
    worst = max(checks, key=lambda c: c.max_rel_difference)
    return {
        "inputs": worst.inputs,
        "absolute": _scientific(worst.max_abs_difference),
        "relative": _scientific(worst.max_rel_difference),
        "tolerance": DASH if worst.tolerance is None else _scientific(worst.tolerance),
        "agreement": f"{round(min(c.agreement for c in checks) * worst.inputs)} of {worst.inputs}",
        "passed": all(c.passed for c in checks),
    }


def _scientific(x: float) -> str:
    return "0" if x == 0 else f"{x:.1e}".replace("e-0", "e-").replace("-", "−")


def _rss(executions: Sequence[ExecutionRecord]) -> str:
    return size_text(max(e.peak_rss_bytes for e in executions))


@cache
def _environment() -> Environment:
    environment = html_environment("wattmark.reports")
    environment.filters |= {
        "breakable": breakable,
        "probability": probability_text,
        "duration": duration_text,
        "size": size_text,
        "rss": _rss,
        "number": number,
    }
    return environment
