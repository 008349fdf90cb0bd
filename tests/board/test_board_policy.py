"""What a rule for purchases lets through: surely, surely not, or not known."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any, NamedTuple

import pytest
from boards import a_run, accepted
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import RowMapping

from wattmark.board.shelf import catalogue, policy_counts, standings, times
from wattmark.board.shelf.catalogue import Filter
from wattmark.board.shelf.database import Database
from wattmark.board.shelf.policy_counts import Best, Border, Outcome, judged

EDITION = standings.half_year(times.today())


class Setup(NamedTuple):
    """A result of one population whose interval is ``energy`` ± ``width``; None: not metered."""

    model: str
    energy: float | None
    width: float = 0.0
    stars: int | None = 3
    task: str = "t"

    @property
    def best(self) -> Best:
        if self.energy is None or self.stars is None:
            return Best(self.task, self.model, "p", None, None, None)
        low, high = self.energy - self.width, self.energy + self.width
        return Best(self.task, self.model, "p", self.energy, low, high)


def judge(
    setups: list[Setup], *, min_stars: int | None = None, max_energy_wh: float | None = None
) -> list[Outcome]:
    borders = None
    if min_stars is not None:
        rated = [(s.stars, s.energy) for s in setups if s.stars and s.energy]
        has = [energy for stars, energy in rated if stars >= min_stars]
        has_not = [energy for stars, energy in rated if stars < min_stars]
        borders = {"p": Border(max(has, default=-inf), min(has_not, default=inf))}
    return judged([s.best for s in setups], borders, max_energy_wh)


def counts(setups: list[Setup], **asked: Any) -> tuple[int, int, int, int]:
    """Of the one task: passing, uncertain, failing, unrated."""
    (found,) = judge(setups, **asked)
    return found.passing, found.uncertain, found.failing, found.unrated


def test_the_whole_interval_has_to_be_under_the_limit() -> None:
    setups = [
        Setup("sure", 1.0, 0.5),
        Setup("on the limit", 1.5, 0.5),
        Setup("likely", 1.9, 0.5),
        Setup("unlikely", 2.1, 0.5),
        Setup("no", 3.0, 0.5),
    ]
    assert counts(setups, max_energy_wh=2.0) == (2, 2, 1, 0)


def test_the_best_setup_of_a_model_decides() -> None:
    assert counts([Setup("m", 5.0), Setup("m", 1.0)], max_energy_wh=2.0) == (1, 0, 0, 0)
    assert counts([Setup("m", 5.0), Setup("m", 2.0, 0.5)], max_energy_wh=2.0) == (0, 1, 0, 0)


def test_an_unrated_model_never_passes() -> None:
    setups = [
        Setup("no meter", None),
        Setup("missed its gate", 0.1, stars=None),
        Setup("rated", 1.0),
        Setup("rated", 0.1, stars=None),
    ]
    assert counts(setups, max_energy_wh=2.0) == (1, 0, 0, 2)
    assert counts(setups, max_energy_wh=0.5) == (0, 0, 1, 2)


def test_a_star_is_sure_where_the_interval_stays_among_those_who_have_it() -> None:
    setups = [
        Setup("first", 1.0, 0.1, stars=5),
        Setup("second", 2.0, 0.0, stars=4),
        Setup("third", 2.1, 0.2, stars=3),
        Setup("fourth", 3.0, 0.1, stars=2),
        Setup("last", 9.0, 0.1, stars=1),
    ]
    assert counts(setups, min_stars=4) == (2, 1, 2, 0)
    assert counts(setups, min_stars=1) == (5, 0, 0, 0)


def test_a_population_in_which_nobody_has_the_stars_fails() -> None:
    assert counts([Setup("a", 1.0, 0.5, stars=3), Setup("b", 2.0, stars=2)], min_stars=5) == (
        0,
        0,
        2,
        0,
    )


def test_both_limits_count() -> None:
    setups = [Setup("a", 1.0, stars=5), Setup("b", 1.5, stars=5), Setup("c", 3.0, stars=4)]
    assert counts(setups, min_stars=5, max_energy_wh=1.2) == (1, 0, 2, 0)
    assert counts(setups, min_stars=5, max_energy_wh=9.0) == (2, 0, 1, 0)


def test_without_a_limit_every_rated_model_passes() -> None:
    assert counts([Setup("a", 1.0), Setup("b", None)]) == (1, 0, 0, 1)


def test_a_model_counts_with_the_energy_of_its_least_rated_setup() -> None:
    setups = [Setup("a", 1.0), Setup("a", 4.0), Setup("b", 3.0), Setup("c", 0.1, stars=None)]
    (found,) = judge(setups, max_energy_wh=2.0)
    assert (found.energy_passing_wh, found.energy_failing_wh, found.energy_wh) == (1.0, 3.0, 4.0)
    assert found.share_of_energy == (0.25, 0.25)
    assert found.share_of_models == (0.5, 0.5)


def test_shares_are_from_what_is_sure_to_what_may_be() -> None:
    setups = [Setup("a", 1.0), Setup("b", 2.0, 0.5), Setup("c", 5.0)]
    (found,) = judge(setups, max_energy_wh=2.0)
    assert found.share_of_models == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert found.share_of_energy == (1 / 8, 3 / 8)


def test_where_nothing_is_rated_there_is_no_share() -> None:
    (found,) = judge([Setup("a", None)], min_stars=3)
    assert found.share_of_models is None and found.share_of_energy is None
    assert (found.models, found.rated, found.unrated) == (1, 0, 1)


def test_tasks_are_apart() -> None:
    setups = [Setup("a", 1.0, task="y"), Setup("a", 5.0, task="x")]
    found = judge(setups, max_energy_wh=2.0)
    assert [(o.task, o.passing, o.failing) for o in found] == [("x", 0, 1), ("y", 1, 0)]


LIMITS = st.floats(0.01, 100.0)
SETUPS = st.lists(
    st.builds(
        lambda model, energy, share, rated: Setup(
            model, energy, energy * share, 3 if rated else None
        ),
        st.sampled_from("abcdef"),
        LIMITS,
        st.floats(0.0, 0.9),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(setups=SETUPS, limit=LIMITS, more=st.floats(1.0, 10.0))
def test_a_wider_limit_lets_no_fewer_through(
    setups: list[Setup], limit: float, more: float
) -> None:
    (strict,) = judge(setups, max_energy_wh=limit)
    (wide,) = judge(setups, max_energy_wh=limit * more)
    assert strict.models == wide.models == len({s.model for s in setups})
    assert strict.unrated == wide.unrated
    assert strict.passing <= wide.passing and strict.failing >= wide.failing
    assert strict.energy_wh == pytest.approx(wide.energy_wh)


@pytest.mark.parametrize("task", [None, "text-classification"])
@pytest.mark.parametrize(("min_stars", "max_energy_wh"), [(3, None), (None, 3e-5), (4, 4e-5)])
def test_an_edition_is_judged_as_its_results_are(
    filled: Database, task: str | None, min_stars: int | None, max_energy_wh: float | None
) -> None:
    asked = {"min_stars": min_stars, "max_energy_wh": max_energy_wh}
    with filled.reading() as connection:
        (found,) = policy_counts.outcomes(connection, EDITION, task=task, **asked)
        rows = catalogue.page(connection, Filter(EDITION), limit=1000)
    populations = {row["population"] for row in rows}
    one_by_one = [
        Best(
            *(row["task"], row["model"], row["population"], *energies(row)),
            **surely(row, min_stars or 0),
        )
        for row in rows
    ]
    borders = None
    if min_stars is not None:
        borders = {name: border(name, rows, min_stars) for name in populations}
    assert [found] == judged(one_by_one, borders, max_energy_wh)
    assert len(populations) == 2 and found.models == 4 and found.unrated == 1
    assert (found.uncertain > 0) is (max_energy_wh is not None)  # of a star the scale says nothing


def energies(row: RowMapping) -> tuple[float | None, ...]:
    if row["stars"] is None:
        return (None,) * 5
    ends = (
        f"energy_wh{end}" for end in ("", "_low", "_high", "_comparable_low", "_comparable_high")
    )
    return tuple(row[end] for end in ends)


def surely(row: RowMapping, min_stars: int) -> dict[str, bool]:
    sure = row["stars"] is not None and row["probability"] >= policy_counts.SURE
    has = sure and row["stars"] >= min_stars
    return {"surely_has": has, "surely_lacks": row["stars"] is None or (sure and not has)}


def test_a_star_is_as_sure_as_its_population_can_tell_it() -> None:
    """The whole intervals overlap by far; what two of one scale do not share lies apart."""
    whole = {"low_wh": 0.4, "high_wh": 4.0}
    near = Best("t", "m", "p", 1.0, **whole, comparable_low_wh=0.9, comparable_high_wh=1.1)
    for one_scale, border, expected in (
        (True, 1.2, (1, 0, 0)),
        (True, 0.8, (0, 0, 1)),
        (True, 1.05, (0, 1, 0)),
        (False, 1.2, (0, 1, 0)),
    ):
        borders = {"p": Border(border, border + 0.01, one_scale)}
        (found,) = judged([near], borders, None)
        assert (found.passing, found.uncertain, found.failing) == expected
    (found,) = judged([near], None, 1.2)  # an amount of energy: the whole interval counts
    assert found.uncertain == 1


def test_a_star_of_high_probability_is_sure_and_an_unsure_one_is_not() -> None:
    borders = {"p": Border(1.0, 1.5)}
    for sure, expected in (("surely_has", (1, 0, 0)), ("surely_lacks", (0, 0, 1)), ("", (0, 1, 0))):
        best = Best("t", "m", "p", 1.0, 0.4, 4.0, **({sure: True} if sure else {}))
        (found,) = judged([best], borders, None)
        assert (found.passing, found.uncertain, found.failing) == expected


def border(population: str, rows: Sequence[RowMapping], min_stars: int) -> Border:
    its = [row for row in rows if row["population"] == population and row["stars"] is not None]
    has = [row["energy_wh"] for row in its if row["stars"] >= min_stars]
    has_not = [row["energy_wh"] for row in its if row["stars"] < min_stars]
    scales = {row["energy_wh_scale"] for row in its}
    one = len(scales) == 1 and "" not in scales
    return Border(max(has, default=-inf), min(has_not, default=inf), one)


@pytest.fixture(scope="module")
def filled(shared_database: Database) -> Database:
    """Three models on one machine, of which one missed its gate, and one model on another."""
    other = a_run(3, model="c")
    environment = other.environment.model_copy(update={"cpu_model": "Apple M4"})
    missed = a_run(4, model="d")
    results = tuple(
        r.model_copy(update={"quality": r.quality.model_copy(update={"gate_passed": False})})
        for r in missed.results
    )
    accepted(
        shared_database,
        a_run(1, model="a"),
        a_run(2, model="b"),
        other.model_copy(update={"environment": environment}),
        missed.model_copy(update={"results": results}),
    )
    return shared_database


def test_a_task_that_is_not_there_has_no_outcome(filled: Database) -> None:
    with filled.reading() as connection:
        found = policy_counts.outcomes(
            connection, EDITION, task="none", min_stars=3, max_energy_wh=None
        )
    assert found == []
