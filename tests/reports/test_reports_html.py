from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from importlib import resources

import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic_run import BASELINE, MEASURED, make_failed, make_result, make_run

from wattmark.records import Run
from wattmark.reports.conclusions import conclusions
from wattmark.reports.html import content_security_policy, render_html

Latencies = dict[str, NDArray[np.float64]]
COMMANDS = ["wattmark run plan.json"]
HOSTILE = "</script></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'"


class Elements(HTMLParser):
    """All elements with their attributes, and the text of each element by tag."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            self.text.setdefault(tag, []).append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.found)


@pytest.fixture(scope="module")
def document() -> str:
    results = [make_result(k, *v) for k, v in MEASURED.items()]
    return render_html(make_run([*results, make_failed("a/b/fp32")]), {}, COMMANDS)


def test_nothing_is_loaded_from_anywhere(document: str) -> None:
    for _, attributes in Elements(document).found:
        assert not {"src", "href", "style", "onclick", "onload"} & attributes.keys()
    assert "@import" not in document


def test_policy_allows_exactly_the_scripts_and_styles_within(document: str) -> None:
    policy = content_security_policy()
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    written = re.findall(r"<(?:script|style)>(.*?)</(?:script|style)>", document, re.DOTALL)
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    hashes = {base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in written}
    assert len(written) == 5  # a style sheet; D3, Plot, the colours of frameworks, the report
    assert hashes < allowed
    assert len(allowed - hashes) == 1  # the style sheet that Plot inserts


def test_hostile_text_stays_text(run: Run) -> None:
    hostile = make_run(
        [
            make_result(BASELINE, 17.1, 1.0, 842),
            make_result("a<script>alert(1)<x/b/fp32", 12.0, 0.7, 842),
            make_failed("c/d/fp32", last_output=HOSTILE, message=HOSTILE, reason=HOSTILE),
        ],
        model=run.model.model_copy(update={"name": HOSTILE, "sources": (HOSTILE,)}),
        environment=run.environment.model_copy(update={"variables": {HOSTILE: HOSTILE}}),
    )
    clean = make_run([make_result(BASELINE, 17.1, 1.0, 842)])
    elements = Elements(render_html(hostile, {}, [HOSTILE]))
    assert elements.count("script") == Elements(render_html(clean, {}, [])).count("script")
    assert elements.count("img") == 0
    assert HOSTILE in "".join(elements.text["pre"])


def test_conclusions_table_failures_and_commands_are_there(
    run: Run, latencies_ms: Latencies
) -> None:
    text = " ".join(
        "".join(Elements(render_html(run, latencies_ms, COMMANDS)).text["body"]).split()
    )
    for sentence in conclusions(run):
        assert sentence in text
    for result in run.results:
        assert result.id in text
    for part in ("Segmentation fault", "wattmark run plan.json", run.plan.digest, "AMD EPYC 7763"):
        assert part in text


def test_every_chart_is_told_in_words(run: Run, latencies_ms: Latencies) -> None:
    elements = Elements(render_html(run, latencies_ms, COMMANDS))
    identifiers = {a.get("id") for _, a in elements.found}
    charts = [a for _, a in elements.found if "data-chart" in a]
    assert [a["data-chart"] for a in charts] == ["pareto", "ratio", "absolute", "distribution"]
    assert all(a["aria-describedby"] in identifiers and a["aria-label"] for a in charts)


def test_missing_energy_is_told_not_drawn() -> None:
    run = make_run([make_result(BASELINE, 17.1, 1.0, 842, energy=False)])
    document = render_html(run, {}, COMMANDS)
    assert 'data-chart="ratio"' not in document
    assert "No setup has an energy figure" in document
    assert "(no_meter)" in document


def test_a_run_that_failed_altogether_still_has_a_report() -> None:
    document = render_html(make_run([make_failed(BASELINE)]), {}, [])
    assert "Segmentation fault" in document
    assert "data-chart=" not in document.split("<script>", 1)[0]


def test_same_run_gives_the_same_file(run: Run, latencies_ms: Latencies) -> None:
    first, second = (render_html(run, latencies_ms, COMMANDS) for _ in range(2))
    assert first == second


def test_vendored_files_are_those_that_the_licence_page_names() -> None:
    folder = resources.files("wattmark.reports") / "static"
    page = (folder / "LICENSES.md").read_text("utf-8")
    for name in ("d3.min.js", "plot.umd.min.js"):
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        assert re.search(rf"`{re.escape(name)}`.*`{digest}`", page)
