"""The report of a load: what was asked, every figure, what failed, in four formats."""

from __future__ import annotations

import base64
import csv
import hashlib
import html as html_module
import io
import json
import re
from typing import Any

import pytest
from old_endpoint_run import old_endpoint_run

from wattmark import registry
from wattmark.errors import UnknownNameError
from wattmark.quantities import Quantity, Reason
from wattmark.records import EndpointRun, FailureCount, Latency, TokenCounts
from wattmark.reports.endpoint_report import again, endpoint_report
from wattmark.reports.endpoint_table import endpoint_sentences, shown_endpoint_runs

HOSTILE = "<script>alert(1)</script> | `x`"


def with_a_failure(example: str) -> EndpointRun:
    run = old_endpoint_run()
    failed = FailureCount(kind="5xx", count=3, sentence="the server failed", example=example)
    return run.model_copy(update={"result": run.result.model_copy(update={"failures": (failed,)})})


def test_markdown_holds_figures_load_and_sentences() -> None:
    run = old_endpoint_run()
    text = endpoint_report(run, "md")
    assert text.startswith("# good at http://127.0.0.1:8000\n")
    assert "| Valid / sent | 40 / 40 |" in text
    assert "| Latency p50, ms |" in text
    assert "ttft\\_p99&lt;1us" in text and "too few" in text
    assert run.prompts_digest in text
    assert "No energy: " in text


def test_html_loads_nothing_and_allows_its_style_alone() -> None:
    text = endpoint_report(old_endpoint_run(), "html")
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src &#39;sha256-{digest}&#39;" in text
    assert "<script" not in text and "src=" not in text.replace("-src", "")
    assert "40 / 40" in text and "p50&lt;=60s" in text


def test_what_a_server_said_is_text_and_no_markup() -> None:
    run = with_a_failure(HOSTILE)
    page = endpoint_report(run, "html")
    assert "<script" not in page and html_module.escape(HOSTILE) in page
    assert "&lt;script&gt;" in endpoint_report(run, "md")


def test_csv_has_one_line_in_full_precision() -> None:
    run = old_endpoint_run()
    (row,) = csv.DictReader(io.StringIO(endpoint_report(run, "csv")))
    assert (row["run"], row["model"], row["api"]) == (run.id, "good", "openai")
    assert float(row["latency_p50_ms"]) == run.result.latency.p50.value
    assert float(row["latency_p50_ms_low"]) == run.result.latency.p50.low
    assert row["energy_J_missing"] == "no_meter_on_server"
    assert row["slo"] == "missed"


def test_json_is_the_record() -> None:
    run = old_endpoint_run()
    assert EndpointRun.model_validate_json(endpoint_report(run, "json")) == run


def test_formats_are_those_of_the_entry_points() -> None:
    names = registry.names("endpoint_report")
    assert names == ["csv", "html", "json", "md"]
    for name in names:
        found = registry.endpoint_report_format(name)
        assert (found.name, bool(found.title)) == (name, True)
    with pytest.raises(UnknownNameError, match="unknown report format 'htm': did you mean 'html'"):
        endpoint_report(old_endpoint_run(), "htm")


def test_the_same_load_can_be_put_again() -> None:
    run = old_endpoint_run()
    said = json.loads(again(run).partition("run_endpoint(")[2].removesuffix(")"))
    assert type(run.plan).model_validate(said) == run.plan


def test_one_load_stands_upright_and_several_side_by_side() -> None:
    run = old_endpoint_run()
    assert shown_endpoint_runs([run]).upright
    both = shown_endpoint_runs([run, run])
    assert not both.upright and len(both.table.rows) == 2
    assert len(set(both.conclusions)) == len(both.conclusions)


def with_result(**changes: Any) -> EndpointRun:
    run = old_endpoint_run()
    return run.model_copy(update={"result": run.result.model_copy(update=changes)})


def test_a_bound_shows_the_figure_that_it_is_judged_on_and_a_load_what_was_refused() -> None:
    (bound, *_) = old_endpoint_run().result.slo
    judged = bound.model_copy(update={"figure": Quantity.between(41.5, 40, 45, "ms")})
    run = with_result(slo=(judged,), left_out=("temperature",))
    (said, *_) = endpoint_sentences(run)
    assert "41.5 [40.0, 45.0] ms over all requests; " in said
    assert "41.5 [40.0, 45.0] ms" in endpoint_report(run, "html")
    assert "The server refused temperature" in endpoint_report(run, "md")


def test_every_percentile_of_a_load_is_shown_and_why_one_is_missing() -> None:
    none = Quantity.missing("ms", Reason.NOT_MEASURED, "pieces hold several tokens")
    known = Quantity.between(5.0, 4.0, 6.0, "ms")
    gaps = Latency(p50=known, p90=known, p95=known, p99=known, mean=known)
    counts = TokenCounts(**dict.fromkeys(("p50", "p90", "p95", "p99"), known))
    missing = Latency(p50=none, p90=none, p95=none, p99=none, mean=none)
    run = with_result(time_between_tokens=gaps, tokens_out=counts, time_per_output_token=missing)
    (row,) = csv.DictReader(io.StringIO(endpoint_report(run, "csv")))
    assert [row[f"gap_p{n}_ms"] for n in (50, 90, 95, 99)] == ["5.0"] * 4
    assert "tokens_out_p95_token" in row
    assert "No time per output token: pieces hold several tokens" in endpoint_report(run, "md")
