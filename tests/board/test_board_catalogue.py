"""What pages and the API find: filters, orders, counts, and places to go on from."""

from __future__ import annotations

import itertools

import pytest
from boards import a_run, accepted

from wattmark.board.shelf import catalogue
from wattmark.board.shelf.catalogue import FACETS, Filter, Order
from wattmark.board.shelf.database import Database

TASK = "text-classification"


@pytest.fixture(scope="module")
def board(shared_database: Database) -> Database:
    """A board that is only read."""
    accepted(shared_database, a_run(1), a_run(2, model="another"))
    return shared_database


@pytest.fixture
def edition(board: Database) -> str:
    with board.reading() as connection:
        return catalogue.editions(connection)[0].name


@pytest.mark.parametrize("order", list(Order))
def test_the_best_come_first_and_every_page_goes_on(
    board: Database, edition: str, order: Order
) -> None:
    with board.reading() as connection:
        whole = [r["id"] for r in catalogue.page(connection, Filter(edition, TASK), order)]
        walked: list[int] = []
        place = None
        for _ in itertools.count():
            rows, place = catalogue.page_after(connection, Filter(edition, TASK), order, place, 4)
            walked += [r["id"] for r in rows]
            if place is None:
                break
    assert len(whole) == 18
    assert walked == whole


def test_orders_are_what_they_say(board: Database, edition: str) -> None:
    with board.reading() as connection:
        by = {o: catalogue.page(connection, Filter(edition, TASK), o) for o in Order}
    energies = [r["energy_wh"] for r in by[Order.ENERGY]]
    qualities = [r["quality"] for r in by[Order.QUALITY]]
    assert energies == sorted(energies)
    assert qualities == sorted(qualities, reverse=True)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"framework": "onnxruntime"},
        {"framework": "pytorch", "precision": "fp32"},
        {"stars": 4},
        {"grade": "metered"},
        {"hardware": "AMD EPYC 7763", "stars": 1},
    ],
)
def test_counts_agree_with_what_is_found(
    board: Database, edition: str, asked: dict[str, object]
) -> None:
    filter_ = Filter(edition, TASK, **asked)  # type: ignore[arg-type]
    with board.reading() as connection:
        counts = catalogue.counts(catalogue.combinations(connection, edition, TASK), filter_)
        rows = catalogue.page(connection, filter_, limit=1000)
        assert counts.total == len(rows)
        for facet in FACETS:
            for value, count in counts.facets[facet].items():
                narrowed = Filter(edition, TASK, **{**asked, facet: value})  # type: ignore[arg-type]
                assert len(catalogue.page(connection, narrowed, limit=1000)) == count


def test_a_model_has_its_standings_in_every_edition(board: Database, edition: str) -> None:
    with board.reading() as connection:
        rows = catalogue.of_model(connection, "another")
        assert {r["edition"] for r in rows} == {edition}
        assert len(rows) == 9
        assert catalogue.of_model(connection, "nobody") == []


def test_a_result_is_found_by_its_number(board: Database, edition: str) -> None:
    with board.reading() as connection:
        found = catalogue.result(connection, 1)
        assert found is not None
        assert found["edition"] == edition
        assert catalogue.result(connection, 2**63 - 1) is None
        assert catalogue.result(connection, 1, "1999-H1") is None
