"""Every page is whole without a script, escapes what it shows, and is kept while it is true."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from api_boards import client_of
from boards import a_run, accepted, with_two_editions
from fastapi.testclient import TestClient

from wattmark.board.shelf import tables
from wattmark.board.shelf.database import Database
from wattmark.board.web.static_files import static_files

EVIL = '<script>alert(1)</script>{{ 7 * 7 }}"'
TASK = "/tasks/text-classification"


@pytest.fixture(autouse=True, scope="module")
def november() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wattmark.board.shelf.times.now", lambda: "2026-11-27T12:00:00Z")
        yield


def filled(database: Database) -> Database:
    with_two_editions(database, EVIL)
    return database


@pytest.fixture(scope="module")
def client(november: None, shared_database: Database) -> Iterator[TestClient]:
    """Of a board that is only read."""
    with client_of(filled(shared_database)) as client:
        yield client


PAGES = [
    "/",
    TASK,
    f"{TASK}?edition=2026-H2&framework=jax&precision=fp32&grade=modelled&stars=1&order=quality",
    "/models",
    "/models?q=ORG",
    "/models/org/model",
    "/models/org/model?country=FR",
    "/results/1",
    "/results/1?edition=2026-H2",
    "/compare?r=1&r=2&r=3&r=4",
    "/editions",
    "/editions/2026-H2",
    "/editions/2027-H1",
    "/method",
    "/build",
    "/choose",
    "/choose?task=text-classification&min_quality=84&max_latency_ms=12,5&country=SE",
    "/policy",
    "/policy?min_stars=4",
    "/policy?task=text-classification&max_energy_wh=0.05",
    "/maintain",
]


@pytest.mark.parametrize("address", PAGES)
def test_pages_are_whole_and_load_nothing_from_elsewhere(client: TestClient, address: str) -> None:
    answer = client.get(address)

    assert answer.status_code == 200
    assert answer.text.startswith("<!DOCTYPE html>")
    assert answer.text.rstrip().endswith("</html>")
    assert "<h1>" in answer.text
    assert EVIL not in answer.text
    assert not re.search(r"<script>|<style| style=| on[a-z]+=", answer.text)
    assert set(re.findall(r'(?:src|href)="(https?://[^"]*)"', answer.text)) == set()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/nothing", 404),
        ("/tasks/none", 404),
        ("/tasks/a%00b", 422),
        (f"{TASK}?edition=1999-H1", 404),
        (f"{TASK}?edition=../../etc", 422),
        (f"{TASK}?page=0", 422),
        (f"{TASK}?page=99999999999999999999", 422),
        (f"{TASK}?framework=%00", 422),
        (f"{TASK}?framework={'x' * 400}", 422),
        (f"{TASK}?order=price", 422),
        ("/models/nobody", 404),
        ("/models/..%2f..%2fetc%2fpasswd", 404),
        ("/results/0", 422),
        ("/results/9223372036854775807", 404),
        ("/results/9223372036854775808", 422),
        ("/compare?r=9223372036854775808", 422),
        ("/compare?r=12345", 404),
        ("/editions/1999-H1", 404),
        ("/editions/2027-H1.json", 404),
        ("/labels/2026-H2/99999/label.svg", 404),
        ("/labels/2027-H1/1/label.svg", 409),
        ("/labels/2026-H2/1/label.svg?lang=xx", 404),
        ("/static/board.css", 404),
        ("/static/..%2fboard.css", 404),
        ("/maintain/log", 403),
        ("/maintain/bundles/" + "0" * 64, 403),
    ],
)
def test_what_is_not_there_is_told_as_a_page(client: TestClient, address: str, status: int) -> None:
    answer = client.get(address)
    assert answer.status_code == status
    assert "<h1>" in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("text", ["' OR 1=1 --", "'; DROP TABLE board_results; --", "{{7*7}}", "%"])
def test_what_is_asked_is_only_data(client: TestClient, text: str) -> None:
    answer = client.get(TASK, params={"framework": text})
    assert "0 results" in answer.text
    assert client.get("/models", params={"q": text}).status_code == 200
    assert "18 results" in client.get(f"{TASK}?edition=2026-H2").text


def test_names_are_shown_and_never_run(client: TestClient) -> None:
    answer = client.get(TASK)
    assert "&lt;script&gt;alert(1)&lt;" in answer.text
    assert "{{ 7 * 7 }}" in answer.text


def test_filters_and_orders_are_links(client: TestClient) -> None:
    text = client.get(f"{TASK}?edition=2026-H2").text
    link = re.search(r'href="([^"]*framework=jax[^"]*)"', text)
    assert link is not None

    filtered = client.get(link[1].replace("&amp;", "&")).text

    assert "2 results; <a" in filtered
    assert filtered.count('<th scope="row">') == 2
    assert "edition=2026-H2" in link[1]


def test_a_page_is_kept_until_the_board_changes(database: Database) -> None:
    with client_of(filled(database)) as client:
        first = client.get(TASK)
        again = client.get(TASK, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304

        accepted(database, a_run(7, model="another"))

        changed = client.get(TASK, headers={"If-None-Match": first.headers["etag"]})
        assert changed.status_code == 200
        assert "another" in changed.text


def test_pages_are_sent_compressed_to_those_who_take_it(client: TestClient) -> None:
    plain = client.get(TASK, headers={"Accept-Encoding": "identity"})
    packed = client.get(TASK, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < len(plain.content) / 5


def test_the_points_of_the_plot_are_those_of_the_table(client: TestClient) -> None:
    data = client.get(f"{TASK}/points.json?edition=2026-H2").json()
    assert len(data["points"]) == 18
    assert all(p["x1"] <= p["x"] <= p["x2"] for p in data["points"])
    front = sorted((p["x"], p["y"]) for p in data["points"] if p["front"])
    assert [y for _, y in front] == sorted(y for _, y in front)


def test_results_of_one_scale_are_compared_by_what_is_their_own(database: Database) -> None:
    """Modelled energies to a factor of 2.5; those of one machine to 10 % among each other."""

    def widest(client: TestClient) -> float:
        points = client.get(f"{TASK}/points.json?edition=2026-H2").json()["points"]
        return max(p["x2"] / p["x1"] for p in points)

    with client_of(filled(database)) as client:
        assert widest(client) == pytest.approx(1.21)
        assert "Among results of its power model" in client.get("/results/1").text
        ratio = _ratio(client.get("/compare?r=1&r=2").text)
        with database.writing() as connection:  # the first one's was measured elsewhere
            its = tables.results.update().where(tables.results.c.id == 1)
            connection.execute(its.values(energy_wh_scale="scale-of-another-machine"))
        assert widest(client) == pytest.approx(6.25)
        assert ratio < 1.5 < 30 < _ratio(client.get("/compare?r=1&r=2").text)


def _ratio(text: str) -> float:
    """How wide the interval of the second result's energy over the first's is, as shown."""
    (interval,) = re.findall(r"Energy over the first.*?\[([\d., ]+)\]", text, re.DOTALL)
    low, high = map(float, interval.split(", "))
    return high / low


def test_a_model_has_its_impact_where_the_reader_lives(client: TestClient) -> None:
    french = client.get("/models/org/model", headers={"Accept-Language": "fr-FR,fr;q=0.9"}).text
    polish = client.get("/models/org/model?country=PL").text
    assert '<option value="FR" selected>' in french
    assert '<option value="PL" selected>' in polish
    line = r"CO2e of electricity, location-based</th><td>([^<]*)<"
    assert re.search(line, french)[1] != re.search(line, polish)[1]  # type: ignore[index]


def test_labels_are_those_of_the_frozen_edition(client: TestClient) -> None:
    svg = client.get("/labels/2026-H2/1/label.svg?lang=fr")
    png = client.get("/labels/2026-H2/1/label.png")
    badge = client.get("/labels/2026-H2/1/badge.svg")
    assert svg.headers["content-type"] == "image/svg+xml"
    assert "2026-H2" in svg.text
    assert png.content.startswith(b"\x89PNG")
    assert badge.text.startswith("<svg")


def test_static_files_are_named_by_what_is_in_them(client: TestClient) -> None:
    for name, file in static_files().items():
        answer = client.get(f"/static/{name}")
        assert answer.content == file.body
        assert "immutable" in answer.headers["cache-control"]


def test_the_edition_page_says_how_to_check_it(client: TestClient) -> None:
    text = client.get("/editions/2026-H2").text
    document = client.get("/editions/2026-H2.json").json()
    assert document["digest"] in text
    assert "https://board.example/editions/2026-H2.json" in text
    assert "wattmark edition verify 2026-H2" in text


def test_only_four_are_compared(client: TestClient) -> None:
    text = client.get("/compare?" + "&".join(f"r={n}" for n in range(1, 7))).text
    assert "2 more were chosen" in text
    assert text.count('<th scope="col">') == 4


def test_a_board_without_results_says_what_to_do(database: Database) -> None:
    with client_of(database, "http://x") as client:
        for address in ("/", "/models", "/editions", "/choose", "/policy"):
            answer = client.get(address)
            assert answer.status_code == 200
            assert "wattmark run" in answer.text
