"""What a rule for purchases lets through: surely, surely not, or not known."""

from __future__ import annotations

import pytest
from boards import a_run, accepted
from hypothesis import given
from hypothesis import strategies as st

from wattmark.board import policy, standings, times
from wattmark.board.database import Database
from wattmark.board.policy import Setup, judged

EDITION = standings.half_year(times.today())


def setup(
    model: str, energy: float | None, width: float = 0.0, stars: int | None = 3, task: str = "t"
) -> Setup:
    """A result of one population whose interval is ``energy`` ± ``width``."""
    if energy is None:
        return Setup(task, model, "p", None, None, None, None)
    return Setup(task, model, "p", stars, energy, energy - width, energy + width)


def counts(setups: list[Setup], **asked: float | int | None) -> tuple[int, int, int, int]:
    """Of the one task: passing, uncertain, failing, unrated."""
    (found,) = judged(setups, **{"min_stars": None, "max_energy_wh": None} | asked)
    return found.passing, found.uncertain, found.failing, found.unrated


def test_the_whole_interval_has_to_be_under_the_limit() -> None:
    setups = [
        setup("sure", 1.0, 0.5),
        setup("on the limit", 1.5, 0.5),
        setup("likely", 1.9, 0.5),
        setup("unlikely", 2.1, 0.5),
        setup("no", 3.0, 0.5),
    ]
    assert counts(setups, max_energy_wh=2.0) == (2, 2, 1, 0)


def test_the_best_setup_of_a_model_decides() -> None:
    assert counts([setup("m", 5.0), setup("m", 1.0)], max_energy_wh=2.0) == (1, 0, 0, 0)
    assert counts([setup("m", 5.0), setup("m", 2.0, 0.5)], max_energy_wh=2.0) == (0, 1, 0, 0)


def test_an_unrated_model_never_passes() -> None:
    setups = [
        setup("no meter", None),
        setup("missed its gate", 0.1, stars=None),
        setup("rated", 1.0),
        setup("rated", 0.1, stars=None),
    ]
    assert counts(setups, max_energy_wh=2.0) == (1, 0, 0, 2)
    assert counts(setups, max_energy_wh=0.5) == (0, 0, 1, 2)


def test_a_star_is_sure_where_the_interval_stays_among_those_who_have_it() -> None:
    setups = [
        setup("first", 1.0, 0.1, stars=5),
        setup("second", 2.0, 0.0, stars=4),
        setup("third", 2.1, 0.2, stars=3),
        setup("fourth", 3.0, 0.1, stars=2),
        setup("last", 9.0, 0.1, stars=1),
    ]
    assert counts(setups, min_stars=4) == (2, 1, 2, 0)
    assert counts(setups, min_stars=1) == (5, 0, 0, 0)


def test_a_population_in_which_nobody_has_the_stars_fails() -> None:
    assert counts([setup("a", 1.0, 0.5, stars=3), setup("b", 2.0, stars=2)], min_stars=5) == (
        0,
        0,
        2,
        0,
    )


def test_both_limits_count() -> None:
    setups = [setup("a", 1.0, stars=5), setup("b", 1.5, stars=5), setup("c", 3.0, stars=4)]
    assert counts(setups, min_stars=5, max_energy_wh=1.2) == (1, 0, 2, 0)
    assert counts(setups, min_stars=5, max_energy_wh=9.0) == (2, 0, 1, 0)


def test_without_a_limit_every_rated_model_passes() -> None:
    assert counts([setup("a", 1.0), setup("b", None)]) == (1, 0, 0, 1)


def test_a_model_counts_with_the_energy_of_its_least_rated_setup() -> None:
    setups = [setup("a", 1.0), setup("a", 4.0), setup("b", 3.0), setup("c", 0.1, stars=None)]
    (found,) = judged(setups, min_stars=None, max_energy_wh=2.0)
    assert (found.energy_passing_wh, found.energy_failing_wh, found.energy_wh) == (1.0, 3.0, 4.0)
    assert found.share_of_energy == (0.25, 0.25)
    assert found.share_of_models == (0.5, 0.5)


def test_shares_are_from_what_is_sure_to_what_may_be() -> None:
    setups = [setup("a", 1.0), setup("b", 2.0, 0.5), setup("c", 5.0)]
    (found,) = judged(setups, min_stars=None, max_energy_wh=2.0)
    assert found.share_of_models == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert found.share_of_energy == (1 / 8, 3 / 8)


def test_where_nothing_is_rated_there_is_no_share() -> None:
    (found,) = judged([setup("a", None)], min_stars=3, max_energy_wh=None)
    assert found.share_of_models is None and found.share_of_energy is None
    assert (found.models, found.rated, found.unrated) == (1, 0, 1)


def test_tasks_are_apart() -> None:
    found = judged(
        [setup("a", 1.0, task="y"), setup("a", 5.0, task="x")], min_stars=None, max_energy_wh=2.0
    )
    assert [(o.task, o.passing, o.failing) for o in found] == [("x", 0, 1), ("y", 1, 0)]


energies = st.floats(0.01, 100.0)
setups = st.lists(
    st.builds(
        lambda model, energy, share, rated: setup(
            model, energy, energy * share, 3 if rated else None
        ),
        st.sampled_from("abcdef"),
        energies,
        st.floats(0.0, 0.9),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(setups=setups, limit=energies, more=st.floats(1.0, 10.0))
def test_a_wider_limit_lets_no_fewer_through(
    setups: list[Setup], limit: float, more: float
) -> None:
    (strict,) = judged(setups, min_stars=None, max_energy_wh=limit)
    (wide,) = judged(setups, min_stars=None, max_energy_wh=limit * more)
    assert strict.models == wide.models == len({s.model for s in setups})
    assert strict.unrated == wide.unrated
    assert strict.passing <= wide.passing and strict.failing >= wide.failing
    assert strict.energy_wh == pytest.approx(wide.energy_wh)


def test_the_outcome_of_an_edition(database: Database) -> None:
    accepted(database, a_run(1, model="a"), a_run(2, model="b"))
    with database.reading() as connection:
        (found,) = policy.outcomes(
            connection, EDITION, task=None, min_stars=None, max_energy_wh=1.0
        )
        assert (found.task, found.passing, found.models) == ("text-classification", 2, 2)
        none = policy.outcomes(connection, EDITION, task="none", min_stars=3, max_energy_wh=None)
        assert none == []
