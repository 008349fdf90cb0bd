"""The report in a real browser: every chart is drawn and the policy is not violated."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic_run import BASELINE, make_result, make_run

from wattmark.records import Run
from wattmark.reports.html import render_html

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=5000",
    "--dump-dom",
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="needs chromium on the PATH"),
]


def open_in_browser(document: str, folder: Path, width: int) -> tuple[str, list[str]]:
    """The document as the browser has made it, and what its console says."""
    page = folder / "report.html"
    page.write_text(document, encoding="utf-8")
    assert BROWSER is not None
    size = f"--window-size={width},1200"
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [BROWSER, *FLAGS, size, profile, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def drawn(dom: str) -> dict[str, str]:
    """The SVG of each chart by its name."""
    found = re.findall(
        r'data-chart="(\w+)"[^>]*><svg class="plot-chart"(.*?)</svg>', dom, re.DOTALL
    )
    return dict(found)


@pytest.mark.parametrize("width", [1280, 500])
def test_all_charts_are_drawn_and_the_console_is_silent(
    run: Run, latencies_ms: dict[str, NDArray[np.float64]], tmp_path: Path, width: int
) -> None:
    dom, console = open_in_browser(render_html(run, latencies_ms, []), tmp_path, width)
    assert console == []
    charts = drawn(dom)
    assert set(charts) == {"pareto", "ratio", "absolute", "distribution"}
    for svg in charts.values():
        for label in latencies_ms:
            assert label in svg


def test_labels_of_the_pareto_plot_stay_apart(
    run: Run, latencies_ms: dict[str, NDArray[np.float64]], tmp_path: Path
) -> None:
    dom, _ = open_in_browser(render_html(run, latencies_ms, []), tmp_path, 1280)
    labels = re.findall(
        r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]+)</text>', drawn(dom)["pareto"]
    )
    assert len(labels) == len(latencies_ms)
    places = [(float(x), float(y), 6.0 * len(text)) for x, y, text in labels]
    for i, (x, y, width) in enumerate(places):
        for other_x, other_y, other_width in places[:i]:
            beside = x + width <= other_x or other_x + other_width <= x
            assert beside or abs(y - other_y) >= 14


def test_report_without_energy_draws_what_there_is(tmp_path: Path) -> None:
    run = make_run([make_result(BASELINE, 17.1, 1.0, 842, energy=False)])
    latencies = {BASELINE: np.random.default_rng(0).lognormal(2.8, 0.2, 200)}
    dom, console = open_in_browser(render_html(run, latencies, []), tmp_path, 1280)
    assert console == []
    assert set(drawn(dom)) == {"pareto", "distribution"}
