from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import UnknownNameError
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.rating import Entry, rate, rate_results
from wattmark.records import Energy, Precision, Quality, Rating, Ratios, Result, Setup, Trial


def entry(name: str, energy: float, spread: float = 1.01) -> Entry:
    return Entry(
        trial=name,
        energy=Quantity.between(energy, energy / spread, energy * spread, "1"),
        gate_passed=True,
        grade=Grade.MODELLED,
    )


FIVE = tuple(entry(name, value) for name, value in zip("abcde", (1, 2, 3, 4, 5), strict=True))


def stars(ratings: tuple[Rating, ...]) -> dict[str, int | None]:
    return {r.trial: r.stars for r in ratings}


def reasons(ratings: tuple[Rating, ...]) -> dict[str, str]:
    return {r.trial: r.unrated_reason for r in ratings if r.unrated_reason}


def test_five_well_separated_entries_get_five_to_one_stars_for_sure() -> None:
    ratings = rate(FIVE)

    assert stars(ratings) == {"a": 5, "b": 4, "c": 3, "d": 2, "e": 1}
    assert all(r.probabilities[r.stars or 0] == 1 for r in ratings)
    assert all(r.rule == "quintile" for r in ratings)


def test_two_entries_that_cannot_be_told_apart_share_their_stars_by_halves() -> None:
    pair = (entry("b", 2.0, spread=1.2), entry("c", 2.0001, spread=1.2))
    ratings = rate((FIVE[0], *pair, *FIVE[3:]), resamples=4000)
    b, c = ratings[1:3]

    assert (b.stars, c.stars) == (4, 3)
    for rating in (b, c):
        assert rating.probabilities[4] == pytest.approx(0.5, abs=0.05)
        assert rating.probabilities[3] == pytest.approx(0.5, abs=0.05)
        assert rating.boundary_distance_pct == pytest.approx(0.005, rel=0.01)


def test_an_exact_energy_does_not_vary() -> None:
    exact = [replace(e, energy=Quantity.exact(e.energy.bounds()[1], "1")) for e in FIVE]
    near = replace(exact[1], trial="x", energy=Quantity.exact(2.0000001, "1"))

    assert all(r.probabilities[r.stars or 0] == 1 for r in rate([*exact, near]))


def test_hard_bounds_are_drawn_uniformly_between_them() -> None:
    bounds = Quantity.between(2.1, 1.0, 4.0, "1", level=1.0)
    exact = [Quantity.exact(v, "1") for v in (0.5, 2.0, 8.0, 9.0)]
    entries = [Entry(f"{i}", q, True, None) for i, q in enumerate([bounds, *exact])]

    # half of [1, 4] on a logarithmic scale lies below the second entry's 2
    assert rate(entries, resamples=8000)[0].probabilities[4] == pytest.approx(0.5, abs=0.02)


def test_a_quality_gate_a_missing_energy_and_another_grade_are_reasons_not_to_rate() -> None:
    failed = replace(entry("gate", 0.5), gate_passed=False)
    silent = replace(entry("silent", 1), energy=Quantity.missing("1", Reason.NO_METER))
    counted = replace(entry("counted", 0.5), grade=Grade.COUNTED)
    negative = replace(entry("negative", 1), energy=Quantity.between(1, -1, 2, "1"))

    ratings = rate([*FIVE, failed, silent, counted, negative])

    assert reasons(ratings) == {
        "gate": "quality_gate",
        "silent": "no_energy",
        "counted": "grade_differs",
        "negative": "no_usable_interval",
    }
    assert stars(ratings)["a"] == 5
    assert ratings[:5] == rate(FIVE)


def test_quality_that_was_not_judged_does_not_keep_from_being_rated() -> None:
    assert stars(rate([replace(e, gate_passed=None) for e in FIVE]))["a"] == 5


def test_a_population_under_five_is_not_rated() -> None:
    ratings = rate([*FIVE[:4], replace(FIVE[4], gate_passed=False)])

    assert [r.stars for r in ratings] == [None] * 5
    assert reasons(ratings) == {**dict.fromkeys("abcd", "population_too_small"),
                                "e": "quality_gate"}  # fmt: skip
    assert rate([]) == ()


def test_of_two_equally_frequent_grades_the_more_trusted_one_is_rated() -> None:
    metered = [replace(e, trial=e.trial.upper(), grade=Grade.METERED) for e in FIVE]

    rated = {r.trial for r in rate([*FIVE, *metered]) if r.stars}
    assert rated == set("ABCDE")


def test_groups_do_not_know_each_other() -> None:
    others = [replace(e, group="images", energy=e.energy * 0.001) for e in FIVE]
    mixed = [e for pair in zip(FIVE, others, strict=True) for e in pair]

    ratings = rate(mixed)
    assert ratings[::2] == rate(FIVE)
    assert [r.stars for r in ratings[1::2]] == [5, 4, 3, 2, 1]


def test_the_distance_says_what_it_takes_the_others_fixed() -> None:
    distances = [r.boundary_distance_pct for r in rate(FIVE)]
    # by quintile, a leaves at 2 (+100 %), b at 1 (-50 %), ... e at 4 (-20 %)
    assert distances == pytest.approx([100, 50, 100 / 3, 25, 20])

    banded = [r.boundary_distance_pct for r in rate(FIVE, rule="aies-2025")]
    # e: the others' range is 1 to 4, its upper border 3.4
    assert banded[4] == pytest.approx(100 * (5 - 3.4) / 5)


@given(st.permutations(range(8)), st.floats(1e-3, 1e3))
@settings(derandomize=True, deadline=None, max_examples=30)
def test_neither_order_nor_unit_changes_anything(order: list[int], unit: float) -> None:
    entries = [entry(f"t{i}", 1 + i / 10, spread=1.1) for i in range(8)]
    before = rate(entries, resamples=200)
    after = rate(
        [replace(entries[i], energy=entries[i].energy * unit) for i in order], resamples=200
    )

    assert [r.stars for r in after] == [before[i].stars for i in order]
    for rating, i in zip(after, order, strict=True):
        assert rating.probabilities == pytest.approx(before[i].probabilities, abs=0.011)


@given(st.lists(st.floats(0.1, 10), min_size=5, max_size=15), st.sampled_from([1.0, 1.3]))
@settings(derandomize=True, deadline=None, max_examples=40)
@pytest.mark.parametrize("rule", ["quintile", "aies-2025"])
def test_probabilities_of_one_to_five_stars_add_up(
    rule: str, values: list[float], spread: float
) -> None:
    entries = [entry(f"t{i}", v, spread) for i, v in enumerate(values)]

    for rating in rate(entries, rule, resamples=300):
        assert list(rating.probabilities) == [1, 2, 3, 4, 5]
        assert sum(rating.probabilities.values()) == pytest.approx(1)
        assert rating.boundary_distance_pct is not None
        assert rating.boundary_distance_pct >= 0


def test_an_unknown_rule_is_refused_even_without_entries() -> None:
    with pytest.raises(UnknownNameError, match="rating rule"):
        rate([], rule="septile")


def result(name: str, times: float, passed: bool | None = True) -> Result:
    """Of ``times`` two joules a query, whose ratio to the baseline a few bad rounds moved away."""
    setup = Setup(framework=name, mode="cpu", precision=Precision.FP32)
    one = Quantity.exact(1.0, "1")
    energy = Quantity.between(1.0, 0.99, 1.01, "1", grade=Grade.MODELLED)
    joules = Quantity.between(2 * times, times, 4 * times, "J/query", grade=Grade.MODELLED)
    return Result(
        trial=Trial(task="t", model="m", model_digest="d", setup=setup, scenario="single-stream"),
        status="ok",
        quality=Quality(metric="accuracy", value=one, of_reference=one, gate_passed=passed),
        energy=(
            Energy(
                meter="modelled-cpu",
                domain="cpu",
                per_query=joules,
                idle_subtracted_per_query=joules,
                per_1000_queries=joules.to("Wh/kquery"),
                per_correct=Quantity.missing("J/correct", Reason.NO_CORRECT_ANSWER),
            ),
        ),
        ratios=Ratios(latency=one, cpu_time=one, energy=energy),
        energy_relative=energy,
    )


def test_results_of_a_run_are_rated_under_the_default_rule_the_baseline_included() -> None:
    baseline = result("baseline", 1.0)
    others = [result(f"f{i}", r) for i, r in enumerate((0.4, 0.6, 0.8, 1.4))]
    gated = result("gated", 0.1, passed=False)

    ratings = rate_results([baseline, *others, gated])

    found = (2, 5, 4, 3, 1, None)
    assert [(r.rule, r.stars) for r in ratings] == [("quintile", s) for s in found]
    assert ratings[5].unrated_reason == "quality_gate"
    both = rate_results([baseline, *others, gated], ("quintile", "aies-2025"))
    assert both[:6] == ratings
    assert [(r.rule, r.stars) for r in both[6:]] == [("aies-2025", s) for s in found]
