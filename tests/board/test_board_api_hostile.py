"""Hostile names and parameters: refused or given back as they are, and never run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from api_boards import API, client_of, get
from boards import a_run, accepted
from starlette.testclient import TestClient

from wattmark.board.shelf import standings, times
from wattmark.board.shelf.database import Database

EDITION = standings.half_year(times.today())
NAMES = [
    "<script>alert(1)</script>",
    "'; DROP TABLE board_results; --",
    '" OR 1=1 --',
    "{{ 7 * 7 }}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "%2e%2e%2f",
    "%(name)s %s {0}",
    "=HYPERLINK('x')",
    "a/b\\c",
    "snow ☃ and 𝄞",
    "?edition=1999-H1#x",
]
#: What the test client decodes twice. Steps up and control characters are refused when they come.
IN_NO_PATH = {"%2e%2e%2f"}


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    with client_of(database) as client:
        yield client


def test_hostile_names_are_given_back_as_they_are(client: TestClient, database: Database) -> None:
    accepted(database, *(a_run(n, model=name) for n, name in enumerate(NAMES, 1)))
    assert {m["model"] for m in get(client, "/models")["models"]} == set(NAMES)
    for name in NAMES:
        assert len(get(client, "/results", model=name)["results"]) == 9, name
        if name not in IN_NO_PATH:
            assert get(client, f"/models/{quote(name, safe='')}")["model"] == name
    response = client.get(f"{API}/models")
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    exported = json.loads(client.get(f"{API}/export/{EDITION}.json").content)
    assert {row["model"] for row in exported} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("parameter", ["task", "model", "framework", "precision", "hardware"])
def test_hostile_filters_find_nothing(filled: TestClient, parameter: str, name: str) -> None:
    assert get(filled, "/results", **{parameter: name})["results"] == []


@pytest.mark.parametrize("id_", [0, -1, 2**63, 2**64, 10**40, "1e3", "0x1", "1.5", "null", "%00"])
def test_ids_that_no_database_has_are_refused(filled: TestClient, id_: object) -> None:
    for path in (f"/results/{id_}", f"/results/{id_}/document"):
        assert get(filled, path, 422)["error"]["code"] == "invalid"


def test_the_greatest_id_is_just_not_there(filled: TestClient) -> None:
    assert get(filled, f"/results/{2**63 - 1}", 404)["error"]["code"] == "no_result"
    assert get(filled, "/audit", after=2**63 - 1) == {"entries": [], "next": None}


@pytest.mark.parametrize(
    "query",
    [
        {"edition": "2026-H3"},
        {"edition": "2026-H2\n"},
        {"edition": "٢٠٢٦-H2"},
        {"task": "a\0b"},
        {"model": "\0"},
        {"hardware": "x" * 301},
        {"grade": "best"},
        {"stars": 6},
        {"stars": "5★"},
        {"order": "energy; DROP TABLE board_results"},
        {"limit": 0},
        {"limit": 501},
        {"limit": 2**64},
    ],
)
def test_parameters_beyond_their_bounds_are_refused(filled: TestClient, query) -> None:
    assert get(filled, "/results", 422, **query)["error"]["code"] == "invalid"


@pytest.mark.parametrize("energy", ["nan", "inf", "-1", "0", "1e400"])
def test_an_energy_is_a_number_above_zero(filled: TestClient, energy: str) -> None:
    get(filled, "/policy", 422, max_energy_wh=energy)


@pytest.mark.parametrize(
    "path",
    [
        "/bundles/..%2f..%2fetc%2fpasswd",
        "/bundles/%2e%2e/document",
        f"/bundles/{'A' * 64}",
        f"/bundles/{'0' * 63}%00",
        "/editions/..%2f2026-H2",
        "/export/..%2f..%2fboard.db",
        "/export/2026-H2.exe",
        "/export/%2e%2e%2f2026-H2.csv",
        "/export/2026-H2%00.csv",
    ],
)
def test_paths_lead_nowhere_else(filled: TestClient, path: str) -> None:
    response = filled.get(API + path)
    assert response.status_code in (404, 422)
    assert set(response.json()["error"]) == {"code", "message"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A board on SQLite that the tests only read."""
    path = tmp_path_factory.mktemp("board") / "board.db"
    with Database.open(f"sqlite:///{path}") as database:
        accepted(database, a_run(1))
        with client_of(database) as client:
            yield client
