"""The board in a real browser, over both databases: with a script, without, and by keyboard."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from boards import a_run, with_two_editions
from playwright.sync_api import Browser, Page, expect, sync_playwright

from wattmark.board.intake import submissions
from wattmark.board.intake.submissions import Status
from wattmark.board.people import maintainers
from wattmark.board.shelf.database import Database
from wattmark.board.web.server import listen, run
from wattmark.records import bundle_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
PASSWORD = "correct horse battery"
TASK = "/tasks/text-classification"
PAGES = [
    "/",
    TASK,
    f"{TASK}?edition=2026-H2&framework=jax",
    "/models",
    "/models/org/model?country=FR",
    "/results/1?edition=2026-H2",
    "/compare?r=1&r=2&r=3&r=4&edition=2026-H2",
    "/editions",
    "/editions/2026-H2",
    "/method",
    "/build",
    "/choose?task=text-classification&min_quality=80&country=FR",
    "/policy?min_stars=4",
    "/maintain",
    "/nothing",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=switches)
        yield opened
        opened.close()


def served(database: Database) -> str:
    """The address of a board with a frozen edition, an open one, and a submission that waits."""
    with_two_editions(database, "newcomer")
    with database.writing() as connection:
        maintainers.add(connection, "ada", PASSWORD, "test")
        submissions.receive(connection, bundle_of(a_run(4, model="waiting")), by="token:1")
    socket = listen("127.0.0.1", 0)
    here = f"http://127.0.0.1:{socket.getsockname()[1]}"
    threading.Thread(target=run, args=(database, socket, here), daemon=True).start()
    return here


@pytest.fixture(scope="module")
def address(shared_database: Database) -> str:
    """A served board that is only read."""
    return served(shared_database)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address)
    yield context.new_page()
    context.close()


def told(page: Page) -> list[str]:
    """What the console says from now on."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def serious(page: Page) -> list[Any]:
    found = Axe().run(page).response["violations"]
    return [
        (v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")
    ]


def test_axe_finds_nothing_serious_and_the_console_is_silent(
    browser: Browser, address: str, shared_database: Database
) -> None:
    light = shared_database.engine.dialect.name == "sqlite"  # each scheme once is enough
    context = browser.new_context(base_url=address, color_scheme="light" if light else "dark")
    page = context.new_page()
    said = told(page)
    for path in PAGES:
        page.goto(path)
        if page.locator(".chart").count():
            page.locator(".chart").scroll_into_view_if_needed()
            expect(page.locator(".chart svg.plot-chart")).to_be_visible()
        assert serious(page) == [], path
        assert [s for s in said if "404" not in s] == [], path
    context.close()


def test_a_filter_changes_the_table_in_place(page: Page) -> None:
    page.goto(TASK)
    page.evaluate("window.kept = true")

    page.get_by_role("link", name=re.compile(r"^jax \d")).click()

    expect(page.get_by_role("status")).to_contain_text("3 results")
    expect(page.locator(".results tbody tr")).to_have_count(3)
    assert "framework=jax" in page.url
    assert page.evaluate("window.kept")
    page.go_back()
    expect(page.locator(".results tbody tr")).to_have_count(27)


def test_the_same_without_a_script(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto(TASK)
    page.get_by_role("link", name=re.compile(r"^jax \d")).click()
    expect(page.locator(".results tbody tr")).to_have_count(3)
    page.get_by_role("link", name="latency", exact=True).click()
    assert "order=latency" in page.url
    assert "framework=jax" in page.url
    page.goto("/policy")
    page.get_by_label("Rating, at least").select_option("4")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="Who would pass")).to_be_visible()
    context.close()


def test_a_keyboard_is_enough(page: Page) -> None:
    page.goto(TASK)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim().startsWith('onnxruntime')"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("6 results")
    focused = page.evaluate("document.activeElement.textContent.trim()")
    assert focused.startswith("onnxruntime")


def test_chosen_results_stand_side_by_side(page: Page) -> None:
    page.goto(f"{TASK}?edition=2026-H2")
    for box in page.get_by_role("checkbox").all()[:3]:
        box.check()
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".side-by-side thead th")).to_have_count(3)
    page.get_by_role("link", name="Leave out").first.click()
    expect(page.locator(".side-by-side thead th")).to_have_count(2)


def test_a_country_is_chosen(page: Page) -> None:
    page.goto("/models/org/model")
    page.get_by_label("Country").select_option("FR")
    page.get_by_role("button", name="Show").click()
    assert "country=FR" in page.url
    expect(page.get_by_role("cell", name="E_IT x PUE x carbon of the grid")).to_be_visible()


def test_a_maintainer_accepts_a_submission(browser: Browser, database: Database) -> None:
    page = browser.new_page(base_url=served(database))
    page.goto("/maintain")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name=a_run(4).id).click()
    assert serious(page) == []
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing is queued")
    with database.reading() as connection:
        assert len(submissions.listed(connection, Status.ACCEPTED)) == 4
    page.goto("/models/waiting")
    expect(page.get_by_role("heading", name="waiting")).to_be_visible()
    page.close()


def test_a_narrow_screen_does_not_scroll_sideways(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, viewport={"width": 360, "height": 640})
    page = context.new_page()
    for path in PAGES:
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, path
    context.close()
