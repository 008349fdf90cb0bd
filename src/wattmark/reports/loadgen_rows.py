"""LoadGen's tests of every setup, under its own names."""

from __future__ import annotations

from wattmark.formatting import DASH, duration_text
from wattmark.records import LatencyBound, LoadgenTest, Result, Run
from wattmark.records.reading import ok
from wattmark.reports.cells import Cell, Column, Row, Table, figure_cell, text_cell
from wattmark.reports.rows import sort_key

COLUMNS = (
    Column("setup", "Setup", numeric=False),
    Column("scenario", "Scenario", numeric=False),
    Column("result", "LoadGen says", numeric=False),
    Column("figure", "Its figure", numeric=False),
    Column("samples", "Samples"),
    Column("batch", "Mean batch"),
    Column("duration", "Took"),
    Column("compliance", "By MLPerf's rules", numeric=False),
)

#: How LoadGen's summary says what its verdict hangs on; the rest is advice.
UNMET = " not satisfied"

#: Of each scenario its figure: name, key in the detail log, factor, unit.
FIGURES = {
    "single-stream": ("early-stopping p90", "early_stopping_latency_ss", 1e-6, "ms"),
    "multi-stream": ("early-stopping p99", "early_stopping_latency_ms", 1e-6, "ms"),
    "offline": ("samples per second", "result_samples_per_second", 1.0, "/s"),
    "server": ("completed samples per second", "result_completed_samples_per_sec", 1.0, "/s"),
}


def loadgen_table(run: Run) -> Table:
    """A row for each test, in the order of the run's table; none where LoadGen did not drive."""
    rows = [
        Row(
            trial=result.id,
            baseline=result.id == run.plan.baseline_label,
            gate_passed=None,
            failure="",
            cells=tuple(map(text_cell, (result.id, *_texts(test)))),
        )
        for result in sorted(filter(ok, run.results), key=sort_key)
        for test in result.loadgen
    ]
    return Table(COLUMNS, tuple(rows))


BOUND_COLUMNS = (
    Column("setup", "Setup", numeric=False),
    Column("limit", "Bound", "ms"),
    Column("share", "Within it", "%"),
    Column("goodput", "Goodput", "query/s"),
    Column("verdict", "All tests together", numeric=False),
    Column("request_p50", "Energy of a request p50", "J"),
    Column("request_p99", "Energy of a request p99", "J"),
)


def bound_table(run: Run) -> Table:
    """Of a server's setups: share within the bound of latency, goodput, sequential verdict."""
    rows = [
        Row(
            trial=result.id,
            baseline=result.id == run.plan.baseline_label,
            gate_passed=None,
            failure="",
            cells=(
                text_cell(result.id),
                text_cell(f"{bound.limit_ms:g}"),
                figure_cell(bound.share.to("%")),
                figure_cell(bound.goodput),
                text_cell(_sequential(bound)),
                *_request_energy(result),
            ),
        )
        for result in sorted(filter(ok, run.results), key=sort_key)
        if (bound := result.latency_bound) is not None
    ]
    return Table(BOUND_COLUMNS, tuple(rows))


def _request_energy(result: Result) -> tuple[Cell, Cell]:
    """Each request's share of its batch's energy."""
    found = result.request_energy
    if found is None:
        return text_cell(DASH), text_cell(DASH)
    return figure_cell(found.p50), figure_cell(found.p99)


def _sequential(bound: LatencyBound) -> str:
    wanted = f"p{100 * bound.percentile:g}"
    match bound.verdict:
        case "pass":
            return f"{wanted} within the bound"
        case "fail":
            return f"{wanted} over the bound"
    if bound.more_queries is None:
        return "undecided"
    return f"undecided: {bound.more_queries} more queries, all within it, would show {wanted}"


def _texts(test: LoadgenTest) -> tuple[str, ...]:
    return (
        test.scenario if test.mode == "performance" else f"{test.scenario}, accuracy",
        _verdict(test),
        _figure(test),
        str(test.samples),
        _mean_batch(test),
        duration_text(test.duration_s),
        _compliance(test),
    )


def _verdict(test: LoadgenTest) -> str:
    if test.valid is None:
        return DASH
    lacking = [text for text in test.invalid_because if text.endswith(UNMET)]
    because = ", ".join(text.removesuffix(UNMET) for text in lacking)
    return "VALID" if test.valid else f"INVALID: {because}" if because else "INVALID"


def _figure(test: LoadgenTest) -> str:
    name, key, factor, unit = FIGURES[test.scenario]
    value = test.figures.get(key, 0.0)
    # LoadGen writes 0 where it has too few queries for an estimate
    return f"{name} {factor * value:.4g} {unit}" if value else f"{DASH} {test.early_stopping}"


def _mean_batch(test: LoadgenTest) -> str:
    calls = sum(test.batch_sizes.values())
    return f"{test.samples / calls:.3g}" if calls else DASH


def _compliance(test: LoadgenTest) -> str:
    if test.mode == "accuracy":
        return DASH
    lacking = "; ".join(test.not_compliant)
    return f"not MLPerf-compliant: {lacking}" if lacking else "long enough"
