from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wattmark import formatting
from wattmark.quantities import Quantity, Reason
from wattmark.records import Rating

magnitudes = st.floats(-12, 12).map(lambda e: 10.0**e)


@st.composite
def estimates(draw: st.DrawFn) -> Quantity:
    value = draw(magnitudes) * draw(st.sampled_from([1.0, -1.0]))
    below, above = (draw(magnitudes) * draw(st.sampled_from([0.0, 1.0])) for _ in range(2))
    return Quantity.between(value, value - below, value + above, "ms")


def parse(text: str) -> float:
    return float(text.replace("\u202f", "").replace("−", "-"))


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (12.3456, 11.81, 12.93, "12.35 [11.81, 12.93] ms"),
        (0.21, 0.08, 0.52, "0.21 [0.08, 0.52] ms"),
        (12345.6, 12100, 12600, "12\u202f350 [12\u202f100, 12\u202f600] ms"),
        (1234, 1100, 1400, "1230 [1100, 1400] ms"),
        (0.0004, -0.3, 0.3, "0.0004 [−0.30, 0.30] ms"),
        (1.5e-9, 1.4e-9, 1.6e-9, "1.50e−9 [1.40e−9, 1.60e−9] ms"),
        (0.0, -0.1, 0.1, "0 [−0.10, 0.10] ms"),
    ],
)
def test_digits_follow_the_interval(value: float, low: float, high: float, text: str) -> None:
    assert formatting.quantity_text(Quantity.between(value, low, high, "ms")) == text


def test_exact_figure_has_no_interval_and_no_padding() -> None:
    assert formatting.quantity_text(Quantity.exact(1.0, "1")) == "1"
    assert formatting.quantity_text(Quantity.exact(1.36991, "GFLOP")) == "1.37 GFLOP"


def test_missing_figure_is_a_dash_with_its_reason() -> None:
    missing = Quantity.missing("J/query", Reason.NO_METER)
    assert formatting.quantity_text(missing) == "— (no_meter)"
    assert formatting.range_text(missing) == ""


@settings(derandomize=True, deadline=None, max_examples=400)
@given(estimates())
def test_text_parses_back_within_rounding(quantity: Quantity) -> None:
    text = formatting.value_text(quantity)
    low, value, high = quantity.bounds()
    rounding = 0.5 * 10.0 ** -formatting._decimals(value, low, high)
    assert abs(parse(text) - value) <= rounding * 1.001


@settings(derandomize=True, deadline=None, max_examples=400)
@given(estimates())
def test_only_zero_reads_as_zero(quantity: Quantity) -> None:
    low, value, high = quantity.bounds()
    places = formatting._decimals(value, low, high)
    for x in (low, value, high):
        assert (parse(formatting.number(x, places)) == 0) == (x == 0)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(estimates())
def test_shown_value_lies_within_its_shown_interval(quantity: Quantity) -> None:
    interval = formatting.range_text(quantity)
    assume(interval)
    low, high = (parse(end) for end in interval.strip("[]").split(", "))
    assert low <= parse(formatting.value_text(quantity)) <= high


@pytest.mark.parametrize(
    ("p", "text"), [(0.0, "0 %"), (0.001, "< 1 %"), (0.87, "87 %"), (0.9999, "> 99 %")]
)
def test_probabilities_never_claim_more_than_is_known(p: float, text: str) -> None:
    assert formatting.probability_text(p) == text


def test_stars_come_with_their_probability_or_with_a_reason() -> None:
    rated = Rating(trial="a", rule="quintile", stars=4, probabilities={4: 0.87, 5: 0.13})
    unrated = Rating(trial="a", rule="quintile", stars=None, unrated_reason="quality_gate")
    assert formatting.stars_text(rated) == "4★ 87 %"
    assert formatting.stars_text(unrated) == "— (quality_gate)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.419, "0.42 s"), (37.8, "38 s"), (240, "4 min"), (252, "4 min 12 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert formatting.duration_text(seconds) == text


def test_sizes() -> None:
    assert [formatting.size_text(n) for n in (12, 2**20 * 91, 16 * 2**30)] == [
        "12 B",
        "91 MiB",
        "16.00 GiB",
    ]


def test_long_lists_are_counted() -> None:
    assert formatting.listing("ab") == "a and b"
    assert formatting.listing("abcdef") == "a, b, c and 3 others"


@pytest.mark.parametrize(
    ("metric", "shown"),
    [
        ("accuracy", "Accuracy"),
        ("token F1", "Token F1"),
        ("mAP@0.5", "mAP@0.5"),
        ("WER", "WER"),
    ],
)
def test_a_metrics_name_begins_with_a_capital_unless_it_is_written_otherwise(metric, shown):
    assert formatting.heading(metric) == shown
