"""Everything on the board can be read: results with their stars, editions, rules, the log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest
from api_boards import API, client_of, get
from boards import a_run, accepted
from starlette.testclient import TestClient
from synthetic_run import make_result, make_run

from wattmark.board.shelf import standings, times
from wattmark.board.shelf.database import Database
from wattmark.editions.edition import Edition
from wattmark.editions.edition_problems import problems
from wattmark.rating import installed_rules
from wattmark.records import Run
from wattmark.records.canonical import canonical

EDITION = standings.half_year(times.today())
SETUPS = 9
TWO_MODELS = (a_run(1, model="small"), a_run(2, model="hub.example/large"))


@pytest.fixture(scope="module")
def client(shared_database: Database) -> Iterator[TestClient]:
    """A board that is only read: two models of nine setups each, in one edition."""
    accepted(shared_database, *TWO_MODELS)
    with client_of(shared_database) as client:
        yield client


def test_tasks_are_counted(client: TestClient) -> None:
    assert get(client, "/tasks") == {
        "edition": EDITION,
        "tasks": [{"name": "text-classification", "results": 18, "models": 2, "rated": 16}],
    }


def test_models_come_with_their_best_rated_setup(client: TestClient) -> None:
    large, small = get(client, "/models", task="text-classification")["models"]
    assert (large["model"], small["model"]) == ("hub.example/large", "small")
    assert small["setups"] == SETUPS
    # openvino/cpu/int8-static needs less, and missed its quality gate
    assert small["best"]["setup"] == "onnxruntime/cpu/int8-dynamic"
    assert small["best"]["standings"][0]["stars"] is not None


def test_models_come_page_by_page(client: TestClient) -> None:
    first = get(client, "/models", limit=1)
    second = get(client, "/models", limit=1, after=first["next"])
    assert [m["model"] for m in first["models"] + second["models"]] == [
        "hub.example/large",
        "small",
    ]
    assert second["next"] is None


@pytest.mark.parametrize("path", ["/models/hub.example/large", "/models/hub.example%2Flarge"])
def test_a_model_has_all_its_results(client: TestClient, path: str) -> None:
    found = get(client, path)
    assert found["model"] == "hub.example/large"
    assert len({r["setup"] for r in found["results"]}) == SETUPS
    assert {s["edition"] for r in found["results"] for s in r["standings"]} == {EDITION}


def test_a_model_has_a_result_once_with_its_star_of_every_edition(database: Database) -> None:
    accepted(database, a_run(1, model="small"))
    with database.writing() as connection:
        standings.freeze(connection, EDITION, times.today(), by="test")
        later = standings.open_edition(connection, "2999-H1", by="test")
    with client_of(database) as client:
        results = get(client, "/models/small")["results"]
        assert len(results) == SETUPS
        for result in results:
            assert [s["edition"] for s in result["standings"]] == [later, EDITION]
            assert get(client, f"/results/{result['id']}") == result


def test_an_unknown_model_is_not_here(client: TestClient) -> None:
    assert get(client, "/models/none", 404)["error"]["code"] == "no_model"


def test_results_come_in_order_and_page_by_page(client: TestClient) -> None:
    whole = get(client, "/results")["results"]
    energies = [r["energy_per_query"]["value"] for r in whole]
    assert len(whole) == 18 and energies == sorted(energies)
    cursor, pages = {}, []
    while True:
        page = get(client, "/results", limit=5, **cursor)
        pages += page["results"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert pages == whole


@pytest.mark.parametrize(
    ("order", "figure"), [("latency", "latency_p50"), ("energy", "energy_per_query")]
)
def test_results_are_sorted_by_what_is_asked(client: TestClient, order: str, figure: str) -> None:
    values = [r[figure]["value"] for r in get(client, "/results", order=order)["results"]]
    assert values == sorted(values)


def test_the_best_quality_comes_first(client: TestClient) -> None:
    values = [r["quality"]["value"] for r in get(client, "/results", order="quality")["results"]]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ({"framework": "openvino"}, lambda r: r["framework"] == "openvino"),
        ({"precision": "int8-static"}, lambda r: r["precision"] == "int8-static"),
        ({"model": "small"}, lambda r: r["model"] == "small"),
        ({"stars": 4}, lambda r: r["standings"][0]["stars"] >= 4),
        ({"grade": "metered"}, lambda r: False),
    ],
)
def test_results_are_filtered(client: TestClient, query, matches) -> None:
    whole = get(client, "/results")["results"]
    expected = [
        r for r in whole if (r["standings"][0]["stars"] or "stars" not in query) and matches(r)
    ]
    assert get(client, "/results", **query)["results"] == expected


@pytest.mark.parametrize(
    "cursor",
    [
        "A" * 22,
        "A" * 24,
        "!" * 23,
        "_" * 23,
        # what /results?order=latency gave, not order=energy
        "Aj_wAAAAAAAAAAAAAAAAAAE",
    ],
)
def test_a_cursor_of_something_else_is_refused(client: TestClient, cursor: str) -> None:
    assert get(client, "/results", 422, cursor=cursor)["error"]["code"] in ("bad_cursor", "invalid")


def test_an_energy_has_its_interval_its_level_and_its_grade(client: TestClient) -> None:
    energy = get(client, "/results", limit=1)["results"][0]["energy_per_query"]
    assert energy["low"] < energy["value"] < energy["high"]
    assert (energy["unit"], energy["level"], energy["grade"]) == ("Wh/query", 0.95, "modelled")
    assert energy["reason"] is None


def test_a_missing_energy_is_null_with_the_reason(database: Database) -> None:
    accepted(database, make_run([make_result("onnxruntime/cpu/fp32", 9.0, 1.0, 842, energy=False)]))
    with client_of(database) as client:
        (result,) = get(client, "/results")["results"]
    assert result["energy_per_query"] == {
        "value": None,
        "low": None,
        "high": None,
        "level": None,
        "unit": "Wh/query",
        "grade": None,
        "reason": "no_meter",
    }
    assert result["standings"][0]["unrated_reason"] == "no_energy"


def test_the_document_of_a_result_is_what_its_sha256_is_of(client: TestClient) -> None:
    result = get(client, "/results", limit=1)["results"][0]
    document = client.get(f"{API}/results/{result['id']}/document").content
    assert hashlib.sha256(document).hexdigest() == result["sha256"]
    assert json.loads(document)["trial"]["model"] == result["model"]


def test_a_result_that_another_took_the_place_of_has_no_standing(database: Database) -> None:
    old = a_run(1, model="small")
    new = a_run(2, model="small", created_at="2026-02-01T12:00:00+00:00")
    accepted(database, old, new)
    with client_of(database) as client:
        assert get(client, "/results/1")["standings"] == []
        assert len(get(client, "/results")["results"]) == SETUPS


def test_a_bundle_that_was_accepted_is_public_and_hashes_to_its_digest(client: TestClient) -> None:
    digest = get(client, "/results", limit=1)["results"][0]["bundle"]
    assert get(client, f"/bundles/{digest}")["status"] == "accepted"
    document = client.get(f"{API}/bundles/{digest}/document").content
    assert hashlib.sha256(document).hexdigest() == digest
    assert Run.model_validate_json(document).model.name == "hub.example/large"


def test_an_open_edition_has_no_document_yet(client: TestClient) -> None:
    assert get(client, f"/editions/{EDITION}")["frozen_on"] is None
    assert get(client, f"/editions/{EDITION}/document", 404)["error"]["code"] == "not_frozen"
    assert get(client, f"/editions/{EDITION}/changes", 404)["error"]["code"] == "no_changes"


def test_a_frozen_edition_is_given_as_it_was_hashed(database: Database) -> None:
    accepted(database, *TWO_MODELS)
    with database.writing() as connection:
        made = standings.freeze(connection, EDITION, times.today(), by="test")
    with client_of(database) as client:
        document = client.get(f"{API}/editions/{EDITION}/document").content
        assert get(client, "/editions")["editions"][0]["digest"] == made.digest
    edition = Edition.model_validate_json(document)
    assert edition == made and problems(edition, None, document) == []
    assert canonical(json.loads(document)) == document


def test_what_changed_between_editions_is_told(database: Database) -> None:
    accepted(database, *TWO_MODELS)
    with database.writing() as connection:
        standings.freeze(connection, EDITION, times.today(), by="test")
        standings.open_edition(connection, "2999-H1", rule="aies-2025", by="test")
        standings.freeze(connection, "2999-H1", times.today(), by="test")
    with client_of(database) as client:
        found = get(client, "/editions/2999-H1/changes")
    assert found["joined"] == found["left"] == []
    assert {c["why"] for c in found["changed"]} == {"rule"}


def test_fixed_limits_are_given_for_each_population(database: Database) -> None:
    accepted(database, *TWO_MODELS)
    with database.writing() as connection:
        standings.freeze(connection, EDITION, times.today(), by="test")
        standings.open_edition(connection, "2999-H1", "absolute", by="test")
    with client_of(database) as client:
        assert get(client, f"/editions/{EDITION}/limits", 404)["error"]["code"] == "no_limits"
        ((population, limits),) = get(client, "/editions/2999-H1/limits")[
            "most_energy_for_5_4_3_2_stars"
        ].items()
    assert json.loads(population) == ["text-classification", "all", "AMD EPYC 7763"]
    assert limits == sorted(limits)


@pytest.mark.parametrize("path", ["/editions/1999-H1", "/editions/1999-H1/document"])
def test_an_unknown_edition_is_not_here(client: TestClient, path: str) -> None:
    assert get(client, path, 404)["error"]["code"] == "no_edition"


@pytest.mark.parametrize("path", ["/tasks", "/models", "/results", "/policy?min_stars=3"])
def test_a_board_without_editions_says_so(database: Database, path: str) -> None:
    with client_of(database) as client:
        assert client.get(API + path).json()["error"]["code"] == "no_edition"
        assert get(client, "/editions") == {"editions": []}


def test_the_rules_are_told_by_the_code(client: TestClient) -> None:
    rules = get(client, "/rules")["rules"]
    assert [(r["name"], r["text"]) for r in rules] == [(r.name, r.text) for r in installed_rules()]
    assert {r["name"] for r in rules} == {"quintile", "aies-2025", "absolute"}


def test_the_schema_of_a_run_is_that_of_the_records(client: TestClient) -> None:
    assert get(client, "/schemas/run.json") == Run.model_json_schema()


def test_policy_counts_models_and_energy(client: TestClient) -> None:
    (task,) = get(client, "/policy", max_energy_wh=1.0)["tasks"]
    assert (task["models"], task["passing"], task["unrated"]) == (2, 2, 0)
    assert task["share_of_energy"] == {"low": 1.0, "high": 1.0}
    (task,) = get(client, "/policy", max_energy_wh=1e-9)["tasks"]
    assert task["failing"] == 2 and task["share_of_models"] == {"low": 0.0, "high": 0.0}


def test_policy_asks_for_a_limit(client: TestClient) -> None:
    assert get(client, "/policy", 422)["error"]["code"] == "nothing_asked"


def test_anybody_can_check_the_log(client: TestClient) -> None:
    entries, after = [], 0
    while after is not None:
        part = get(client, "/audit", after=after, limit=3)
        entries += part["entries"]
        after = part["next"]
    assert {e["action"] for e in entries} == {"submit", "open_edition", "accept"}
    previous = "0" * 64
    for entry in entries:
        sha256 = entry.pop("sha256")
        assert entry["previous_sha256"] == previous
        assert hashlib.sha256(canonical(entry)).hexdigest() == sha256
        previous = sha256


def test_health_says_that_the_database_answers(database: Database) -> None:
    with client_of(database) as client:
        before = get(client, "/health")
        accepted(database, a_run(1))
        after = get(client, "/health")
    assert before["status"] == after["status"] == "ok" and after["version"] > before["version"]


def test_every_operation_has_an_id_and_says_what_it_does(client: TestClient) -> None:
    document = get(client, "/openapi.json")
    assert document["openapi"].startswith("3.1")
    operations = [o for path in document["paths"].values() for o in path.values()]
    ids = [o["operationId"] for o in operations]
    assert len(set(ids)) == len(ids) and all(o["description"] for o in operations)
    for operation in operations:
        for status, response in operation["responses"].items():
            if status[0] in "45":
                schema = response["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorEnvelope"}, operation
