"""A load of a server as a document: HTML that opens offline, Markdown, CSV or JSON.

Formats are found by their entry points in the group ``wattmark.endpoint_reports``, as those of a
run of a plan are in ``wattmark.reports``.
"""

from __future__ import annotations

import json

from wattmark import registry
from wattmark.formatting import duration_text, quantity_text
from wattmark.records import EndpointRun
from wattmark.reports.csv import table_csv
from wattmark.reports.endpoint_table import endpoint_sentences, percentiles_table
from wattmark.reports.markdown import escape

_METHOD = (
    "Latencies are of valid replies and count from the scheduled arrival. Brackets are 95 % "
    "intervals: means and rates vary between ten blocks of requests in the order of their "
    "schedule. Time per output token is from the first piece of a reply to its last, over the "
    "tokens after the first piece; a gap lies between two tokens that follow each other."
)


def endpoint_report(run: EndpointRun, format_: str) -> str:
    """The report in an installed format. Raises UnknownNameError for another."""
    return registry.endpoint_report_format(format_).render(run)


class Html:
    """``html``: a page that opens offline."""

    name = "html"
    title = "a page that opens offline"

    def render(self, run: EndpointRun) -> str:
        """One file that loads nothing; its policy allows its own style alone."""
        from wattmark.reports.html_parts import html_environment, policy_hash, static_text

        style = static_text("report.css")
        environment = html_environment("wattmark.reports")
        environment.filters |= {"quantity": quantity_text}
        return environment.get_template("endpoint.html").render(
            run=run,
            style=style,
            policy=f"default-src 'none'; style-src {policy_hash(style.encode())}; "
            "base-uri 'none'; form-action 'none'",
            figures=_figures(run),
            load=_load(run),
            sentences=endpoint_sentences(run),
            method=_METHOD,
            again=again(run),
        )


class Markdown:
    """``md``: GitHub-flavoured Markdown."""

    name = "md"
    title = "GitHub-flavoured Markdown"

    def render(self, run: EndpointRun) -> str:
        """The load as GitHub-flavoured Markdown. What users and servers said is escaped."""
        lines = [f"# {escape(run.plan.model)} at {escape(run.plan.url)}", ""]
        lines += [f"- {escape(sentence)}" for sentence in endpoint_sentences(run)]
        lines += ["", "| Figure | Value |", "| --- | ---: |"]
        lines += [f"| {escape(title)} | {escape(text)} |" for title, text in _figures(run).items()]
        lines += ["", "## Load", "", "| | |", "| --- | --- |"]
        lines += [f"| {escape(title)} | {escape(text)} |" for title, text in _load(run).items()]
        lines += ["", "## Method", "", _METHOD, "", "```python", again(run), "```", ""]
        return "\n".join(lines)


class Csv:
    """``csv``: one line, for a spreadsheet or a data frame."""

    name = "csv"
    title = "one line, for a spreadsheet or a data frame"

    def render(self, run: EndpointRun) -> str:
        """The table's line in full precision, after the run's id, server and model."""
        about = {"run": run.id, "url": run.plan.url, "model": run.plan.model, "api": run.plan.api}
        return table_csv(percentiles_table(run), about=about)


class Json:
    """``json``: the whole record."""

    name = "json"
    title = "the whole record"

    def render(self, run: EndpointRun) -> str:
        """The run's record; ``EndpointRun.model_validate_json`` reads it back unchanged."""
        return run.model_dump_json(indent=2) + "\n"


def again(run: EndpointRun) -> str:
    """Python that puts the same load to the server again."""
    said = run.plan.model_dump(mode="json", exclude_defaults=True, exclude={"server_pid"})
    return f"import wattmark\n\nwattmark.run_endpoint({json.dumps(said, ensure_ascii=False)})"


def _figures(run: EndpointRun) -> dict[str, str]:
    """Title -> text: the table's columns that are not missing for want of asking, and tokens."""
    table = percentiles_table(run)
    cells = zip(table.columns, table.rows[0].cells, strict=True)
    found = {column.title: cell.text for column, cell in cells}
    result = run.result
    found |= {
        "Prompt tokens, mean": quantity_text(result.tokens_in_per_query),
        "Output tokens, mean": quantity_text(result.tokens_out_per_query),
    }
    return found


def _load(run: EndpointRun) -> dict[str, str]:
    """Title -> text: what was asked of the server, how, and by which machine."""
    plan, result, environment = run.plan, run.result, run.environment
    return {
        "Server": plan.url,
        "API": plan.api,
        "Model": plan.model,
        "Prompts": f"{plan.prompts or 'the default of the API'}, sha256 {run.prompts_digest}",
        "Requests": f"{result.requests} of {result.planned}, over {result.connections} connections",
        "Ended": f"{result.stopped or 'as planned'}, after {duration_text(result.duration_s)}",
        "Objective": plan.slo or "none",
        "Options refused": ", ".join(result.left_out or ()) or "none",
        "Tokens counted by": ", ".join(result.token_sources) or "nobody",
        "Instruments": ", ".join(sorted({e.meter for e in result.energy})) or "none",
        "Generator": f"{environment.cpu_model}, {environment.os}, thread busy "
        f"{result.generator_busy:.0%} of the time",
        "Run": f"{run.id}, {run.created_at}, by Wattmark {environment.wattmark}",
    }
