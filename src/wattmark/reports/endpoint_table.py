"""A load put to a server, or several of them, as one table: a line a load."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.formatting import DASH, quantity_text
from wattmark.quantities import Reason
from wattmark.records import EndpointResult, EndpointRun, SloShare
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


#: Timings and counts of which a single load shows every percentile, by column and field.
_SPREADS = (
    ("latency", "Latency", "ms", "latency"),
    ("ttft", "First token", "ms", "time_to_first_token"),
    ("tpot", "Per output token", "ms", "time_per_output_token"),
    ("gap", "Between tokens", "ms", "time_between_tokens"),
    ("tokens_in", "Prompt tokens", "token", "tokens_in"),
    ("tokens_out", "Output tokens", "token", "tokens_out"),
)
_PERCENTILES = ("p50", "p90", "p95", "p99")


def endpoint_table(runs: Sequence[EndpointRun]) -> Table:
    """Latencies count from the scheduled arrival."""
    return Table(_COLUMNS, tuple(map(_row, runs)))


def percentiles_table(run: EndpointRun) -> Table:
    """The line of a load in :func:`endpoint_table`, with every percentile there is.

    A percentile that is newer than the load is left out.
    """
    line = endpoint_table([run])
    cells = dict(zip([c.key for c in line.columns], line.rows[0].cells, strict=True))
    columns = {column.key: column for column in line.columns}
    spread, spread_cells = {}, {}
    for key, title, unit, name in _SPREADS:
        field = getattr(run.result, name)
        for percentile in _PERCENTILES if field is not None else ():
            quantity = getattr(field, percentile)
            if quantity is not None:
                its = f"{key}_{percentile}"
                spread[its] = Column(its, f"{title} {percentile}", unit)
                spread_cells[its] = figure_cell(quantity)
    order = ["arrivals", "valid", *spread, *(k for k in columns if k not in spread)]
    order = list(dict.fromkeys(order))
    row = Row(
        run.id,
        baseline=False,
        gate_passed=None,
        failure="",
        cells=tuple((spread_cells.get(key) or cells[key]) for key in order),
    )
    return Table(tuple(spread.get(key) or columns[key] for key in order), (row,))


def shown_endpoint_runs(runs: Sequence[EndpointRun]) -> Shown:
    """One load, or several of the same server side by side, for the terminal."""
    first = runs[0].plan
    sentences = dict.fromkeys(sentence for run in runs for sentence in endpoint_sentences(run))
    return Shown(
        title=f"{first.model} at {first.url} ({first.api})",
        table=percentiles_table(runs[0]) if len(runs) == 1 else endpoint_table(runs),
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
    said += [_judged(bound) for bound in result.slo]
    if result.left_out:
        said.append(
            f"The server refused {', '.join(result.left_out)}, so that was not asked"
            + (
                ": its replies are drawn at the temperature that it chooses."
                if "temperature" in result.left_out
                else "."
            )
        )
    said += _unknown(result)
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


def _unknown(result: EndpointResult) -> list[str]:
    """Why figures of tokens are missing, where a server gave what might have told them."""
    figures = {
        "time per output token": result.time_per_output_token.p50,
        "time between tokens": result.time_between_tokens and result.time_between_tokens.p50,
        "output tokens": result.tokens_out_per_query,
    }
    whys: dict[str, list[str]] = {}
    for name, figure in figures.items():
        if figure and figure.reason is Reason.NOT_MEASURED and figure.detail:
            whys.setdefault(figure.detail, []).append(name)
    return [f"No {' and no '.join(names)}: {why}." for why, names in whys.items()]


def _judged(bound: SloShare) -> str:
    """A bound with the figure that it was judged on."""
    figure = ""
    if bound.figure is not None:
        figure = f"{quantity_text(bound.figure)} over all requests; "
        if bound.figure.reason is not None:
            figure = f"no such percentile, since {bound.figure.detail}; "
    return (
        f"{bound.bound}: {figure}{quantity_text(bound.share)} of all requests keep it, "
        f"{'as wanted' if bound.kept else 'too few'}."
    )


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
