"""LoadGen's tests stand in a report under its own names."""

from __future__ import annotations

import pytest
from synthetic_run import BASELINE, make_result, make_run

from wattmark.quantities import Quantity
from wattmark.records import LatencyBound, LoadgenTest, Run
from wattmark.reports.loadgen_rows import bound_table, loadgen_table
from wattmark.reports.markdown import render_markdown

SHORT = LoadgenTest(
    scenario="single-stream",
    mode="performance",
    version="6.0.17",
    duration_s=5.0,
    samples=126,
    batch_sizes={1: 10, 4: 29},
    valid=False,
    invalid_because=("early stopping not satisfied", "Decrease the expected latency."),
    figures={"early_stopping_latency_ss": 17_500_000.0},
    not_compliant=("shorter than 600 s",),
)


def cells(test: LoadgenTest) -> dict[str, str]:
    run = make_run([make_result(BASELINE, 17.1, 1.0, 842, loadgen=(test,))])
    table = loadgen_table(run)
    return {column.key: table.cell(BASELINE, column.key).text for column in table.columns}


def test_verdict_figure_and_what_is_lacking_are_told() -> None:
    told = cells(SHORT)
    assert told["result"] == "INVALID: early stopping"
    assert told["batch"] == "3.23"
    assert told["figure"] == "early-stopping p90 17.5 ms"
    assert told["compliance"] == "not MLPerf-compliant: shorter than 600 s"


def test_an_estimate_that_loadgen_could_not_make_is_not_a_zero() -> None:
    few = SHORT.model_copy(
        update={
            "figures": {"early_stopping_latency_ss": 0.0},
            "early_stopping": "Only processed 10 queries.",
        }
    )
    assert cells(few)["figure"] == "— Only processed 10 queries."


def test_a_long_and_valid_test_says_so() -> None:
    long = SHORT.model_copy(update={"valid": True, "not_compliant": ()})
    assert (cells(long)["result"], cells(long)["compliance"]) == ("VALID", "long enough")


@pytest.mark.parametrize(
    ("verdict", "more", "told"),
    [
        ("pass", 0, "p99 within the bound"),
        ("fail", None, "p99 over the bound"),
        ("undecided", 315, "undecided: 315 more queries, all within it, would show p99"),
        ("undecided", None, "undecided"),
    ],
)
def test_all_tests_of_a_server_are_judged_together(verdict, more, told) -> None:
    bound = LatencyBound(
        limit_ms=50,
        percentile=0.99,
        share=Quantity.between(0.98, 0.97, 0.99, "1"),
        goodput=Quantity.exact(20.0, "query/s"),
        verdict=verdict,
        more_queries=more,
    )
    run = make_run([make_result(BASELINE, 17.1, 1.0, 842, loadgen=(SHORT,), latency_bound=bound)])
    assert bound_table(run).cell(BASELINE, "verdict").text == told
    assert told in render_markdown(run)


def test_a_run_of_our_own_loop_has_no_such_table(run: Run) -> None:
    assert loadgen_table(run).rows == ()
    assert "LoadGen" not in render_markdown(run)
