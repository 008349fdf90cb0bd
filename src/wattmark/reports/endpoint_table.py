"""A load put to a server, or several of them, as one table: a line a load."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.formatting import DASH, quantity_text
from wattmark.quantities import Reason
from wattmark.records import EndpointResult, EndpointRun
from wattmark.reports.cells import Column, Row, Table, figure_cell, text_cell
from wattmark.reports.shown import Shown

_COLUMNS = (
    Column("arrivals", "Arrivals", numeric=False),
    Column("valid", "Valid / sent"),
    Column("latency_p50", "Latency p50", "ms"),
    Column("latency_p99", "Latency p99", "ms"),
    Column("ttft_p50", "First token p50", "ms"),
    Column("tpot_p50", "Per output token p50", "ms"),
    Column("throughput", "Throughput", "query/s"),
    Column("tokens_per_second", "Tokens out", "token/s"),
    Column("goodput", "Goodput", "query/s"),
    Column("slo", "SLO", numeric=False),
    Column("energy", "Energy per query", "J"),
    Column("lateness_p99", "Generator late p99", "ms"),
    Column("flags", "Flags", numeric=False),
)


def endpoint_table(runs: Sequence[EndpointRun]) -> Table:
    """Latencies count from the scheduled arrival."""
    return Table(_COLUMNS, tuple(map(_row, runs)))


def shown_endpoint_runs(runs: Sequence[EndpointRun]) -> Shown:
    """One load, or several of the same server side by side, for the terminal."""
    first = runs[0].plan
    sentences = dict.fromkeys(sentence for run in runs for sentence in endpoint_sentences(run))
    return Shown(
        title=f"{first.model} at {first.url} ({first.api})",
        table=endpoint_table(runs),
        conclusions=tuple(sentences),
        upright=len(runs) == 1,
    )


def endpoint_sentences(run: EndpointRun) -> list[str]:
    """What failed, what the quality was, and what to make of the flags."""
    result = run.result
    said = [
        f"{failure.count} of {result.requests} requests failed ({failure.kind}): "
        f"{failure.sentence}" + (f". First: {failure.example}" if failure.example else "")
        for failure in result.failures
    ]
    said += [
        f"{bound.bound}: {quantity_text(bound.share)} of all requests keep it, "
        f"{'as wanted' if bound.kept else 'too few'}."
        for bound in result.slo
    ]
    if result.quality_metric and result.quality.known:
        said.append(f"Quality ({result.quality_metric}): {quantity_text(result.quality)}")
    if "generator_saturated" in result.flags:
        said.append(
            "The load generator was the bottleneck (its thread was busy "
            f"{result.generator_busy:.0%} of the time): these are not the server's figures."
        )
    if "generator_in_energy" in result.flags:
        said.append("The energy holds that of the load generator, which ran on the same machine.")
    if "server_not_found" in result.flags:
        said.append(
            "The server's process was not found, so nothing is charged to it alone: name it "
            "with --server-pid."
        )
    if Reason.SHARED_DEVICE.value in result.flags:
        said.append(f"Energy ({Reason.SHARED_DEVICE.value}): {Reason.SHARED_DEVICE.sentence}")
    if result.energy_per_query.value is None and result.energy_per_query.reason is not None:
        said.append(f"No energy: {result.energy_per_query.reason.sentence}")
    return said


def _row(run: EndpointRun) -> Row:
    result = run.result
    cells = (
        text_cell(result.arrivals),
        text_cell(f"{result.valid} / {result.requests}"),
        figure_cell(result.latency.p50),
        figure_cell(result.latency.p99),
        figure_cell(result.time_to_first_token.p50),
        figure_cell(result.time_per_output_token.p50),
        figure_cell(result.throughput),
        figure_cell(result.tokens_per_second),
        figure_cell(result.goodput),
        text_cell(_slo(result)),
        figure_cell(result.energy_per_query),
        text_cell(f"{result.lateness_p99_ms:.2f}"),
        text_cell(", ".join(result.flags) or DASH),
    )
    return Row(run.id, baseline=False, gate_passed=None, failure="", cells=cells)


def _slo(result: EndpointResult) -> str:
    if not result.slo:
        return DASH
    return "kept" if all(bound.kept for bound in result.slo) else "missed"
