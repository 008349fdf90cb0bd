"""The API keeps what its OpenAPI says, whatever is sent to it: schemathesis, on PostgreSQL."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from typing import Any

import pytest
import schemathesis
from api_boards import ADDRESS, API, JSON, headers_of
from boards import a_run, accepted
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from wattmark.board.intake import submissions
from wattmark.board.people.tokens import Scope
from wattmark.board.shelf import standings, times
from wattmark.board.shelf.database import Database
from wattmark.board.web.app import application
from wattmark.board.web.rate_limit import RateLimit
from wattmark.board.web.services import Services
from wattmark.records import bundle_of

pytestmark = pytest.mark.slow

#: Of each operation; the kinds of wrong value come within the first few. `make test-deep`: 200.
EXAMPLES = int(os.environ.get("WATTMARK_TEST_EXAMPLES", "60"))
#: The first export imports pyarrow, which takes longer than schemathesis's own 10 s where it must.
PATIENCE_S = 120
EDITION = standings.half_year(times.today())
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
QUICK = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
#: Operation -> parameters of something that is on the board; for each, one that gives a success.
OPERATIONS: dict[str, dict[str, dict[str, Any]]] = {
    "listTasks": {},
    "listModels": {},
    "getModel": {"path_parameters": {"name": "hub.example/large"}},
    "listResults": {"query": {"edition": EDITION, "task": "text-classification"}},
    "getResult": {"path_parameters": {"id": 1}},
    "getResultDocument": {"path_parameters": {"id": 1}},
    "getPolicy": {"query": {"edition": EDITION, "min_stars": 3}},
    "listEditions": {},
    "getEdition": {"path_parameters": {"name": EDITION}},
    "getEditionDocument": {"path_parameters": {"name": EDITION}},
    "getEditionLimits": {"path_parameters": {"name": "2999-H1"}},
    "getEditionChanges": {"path_parameters": {"name": "2999-H1"}},
    "listRules": {},
    "exportParquet": {"path_parameters": {"edition": EDITION}},
    "exportJson": {"path_parameters": {"edition": EDITION}},
    "exportCsv": {"path_parameters": {"edition": EDITION}},
    "submitBundle": {"body": json.loads(bundle_of(a_run(4)).document)},
    "getBundle": {"path_parameters": {"digest": bundle_of(a_run(3)).digest}},
    "getBundleDocument": {"path_parameters": {"digest": bundle_of(a_run(1)).digest}},
    "decideBundle": {
        "path_parameters": {"digest": bundle_of(a_run(3)).digest},
        "body": {"decision": "accept"},
    },
    "getRunSchema": {},
    "listAudit": {},
    "getHealth": {},
}
#: They ask for a token, or show more with one.
WITH_TOKEN = ("submitBundle", "getBundle", "decideBundle")


@dataclass(frozen=True)
class Api:
    """The API of a board that has a little of everything."""

    schema: Any
    client: Any
    token: dict[str, str]


@pytest.fixture(scope="module")
def api(new_postgresql: Callable[[], str]) -> Iterator[Api]:
    with Database.open(new_postgresql()) as database:
        accepted(database, a_run(1), a_run(2, model="hub.example/large"))
        with database.writing() as connection:
            standings.freeze(connection, EDITION, times.today(), by="test")
            standings.open_edition(connection, "2999-H1", "absolute", by="test")
            standings.freeze(connection, "2999-H1", times.today(), by="test")
            submissions.receive(connection, bundle_of(a_run(3)), by="test")
        many = {name: RateLimit(1e6, 10**6) for name in ("submissions", "failures")}
        app = application(Services(database, ADDRESS, **many))
        schema = schemathesis.openapi.from_asgi(f"{API}/openapi.json", app)
        token = headers_of(database, Scope.SUBMIT, Scope.MAINTAIN)
        yield Api(schema, asgi.get_client(app), token)


def statuses(api: Api, strategy: Any, examples: int, headers: dict[str, str]) -> Counter[int]:
    """Send so many examples and check every answer: how often each status came."""
    seen: Counter[int] = Counter()

    @settings(QUICK, max_examples=examples)
    @given(case=strategy)
    def send(case: Case) -> None:
        response = case.call_and_validate(
            session=api.client, headers=headers, checks=CHECKS, timeout=PATIENCE_S
        )
        seen[response.status_code] += 1

    send()
    return seen


def fuzzed(api: Api, operation: str, headers: dict[str, str]) -> Counter[int]:
    """Half of what is sent is as the schema says, half is not, where such a thing exists."""
    found = api.schema.find_operation_by_id(operation)
    wrong: Counter[int] = Counter()
    try:
        strategy = found.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        wrong = statuses(api, strategy, EXAMPLES // 2, headers)
    except Unsatisfiable:
        assert operation in ("getModel", *(o for o, known in OPERATIONS.items() if not known))
    right = found.as_strategy(generation_mode=GenerationMode.POSITIVE)
    return wrong + statuses(api, right, EXAMPLES - wrong.total(), headers)


def test_every_operation_is_tried(api: Api) -> None:
    ids = {o.ok().definition.raw["operationId"] for o in api.schema.get_all_operations()}
    assert ids == set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_with_a_token_the_api_keeps_its_schema(api: Api, operation: str) -> None:
    seen = fuzzed(api, operation, api.token)
    has_parameters = bool(OPERATIONS[operation]) or operation in ("listTasks", "listModels")
    assert seen.total() >= (EXAMPLES if has_parameters else 1)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_there_is_given_as_the_schema_says(api: Api, operation: str) -> None:
    strategy = api.schema.find_operation_by_id(operation).as_strategy(**OPERATIONS[operation])
    seen = statuses(api, strategy, 25, api.token)
    assert seen[200] or seen[201], seen


@pytest.mark.parametrize("operation", WITH_TOKEN)
def test_without_a_token_nothing_is_taken(api: Api, operation: str) -> None:
    seen = fuzzed(api, operation, {})
    assert seen.total() >= EXAMPLES
    assert not [status for status in seen if status < 400], seen


DOCUMENT = json.loads(bundle_of(a_run(5)).document)
TEXTS = ["", "x", "NaN", "☃" * 400, "a\0b", "2026-01-01", "0001-01-01T00:00:00+00:00", "J/query"]
NUMBERS = [0, -1, 1, 2**31, 2**53, 2**63, 1e-320, 1e308, -0.0, 0.5]
OTHERS = [None, True, [], {}, [None], {"value": 1}]


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to every value of a document."""
    yield path
    if isinstance(data, dict | list):
        parts = data.items() if isinstance(data, dict) else enumerate(data)
        for key, value in parts:
            yield from leaves(value, (*path, key))


def odd(path: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """An odd value for a place: most often of the type that is expected there."""
    there = reduce(getitem, path, DOCUMENT)
    if isinstance(there, str):
        return st.sampled_from(TEXTS)
    if isinstance(there, float | int) and not isinstance(there, bool):
        return st.sampled_from(NUMBERS)
    return st.sampled_from([*OTHERS, *TEXTS, *NUMBERS])


PATHS = [path for path in leaves(DOCUMENT) if path]
CHANGES = st.sampled_from(PATHS).flatmap(lambda path: st.tuples(st.just(path), odd(path)))


@settings(QUICK, max_examples=EXAMPLES)
@given(changes=st.lists(CHANGES, min_size=1, max_size=3))
def test_a_run_with_odd_values_is_taken_or_refused(api: Api, changes) -> None:
    document = json.loads(json.dumps(DOCUMENT))
    for (*parents, last), value in changes:
        place = document
        try:
            for key in parents:
                place = place[key]
            place[last] = value
        except (LookupError, TypeError):
            continue  # the change before took its place
    sent = api.client.post(
        f"{API}/bundles", data=json.dumps(document).encode(), headers=JSON | api.token
    )
    assert sent.status_code in (200, 201, 400, 409, 413, 422), sent.text
    if sent.status_code == 201:
        path = f"{API}/bundles/{sent.json()['digest']}/decision"
        decided = api.client.post(path, json={"decision": "accept"}, headers=api.token)
        assert decided.status_code in (200, 409, 422), decided.text
