"""What docs/extending.md shows is installed as it stands there, and used by the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from synthetic_run import BASELINE, MEASURED, make_result, make_run
from typer.testing import CliRunner

from wattmark import registry
from wattmark.cli.main import app
from wattmark.editions.rating_table import write_table
from wattmark.rating import find_rule
from wattmark.workflows import kinds, runs

PAGE = (Path(__file__).parent.parent / "docs/extending.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def my_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with the page's code, installed with the page's entry points."""
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        file = tmp_path / code.splitlines()[0].removeprefix("# ")
        file.parent.mkdir(exist_ok=True)
        file.write_text(code)
    info = tmp_path / "my_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1\n")
    points = "".join(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
    ini = points.replace('project.entry-points."', "").replace('"]', "]").replace('"', "")
    (info / "entry_points.txt").write_text(ini)
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._group.cache_clear()
    yield
    registry._group.cache_clear()


@pytest.fixture(autouse=True)
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run([make_result(BASELINE, *MEASURED[BASELINE])])
    monkeypatch.setattr(runs, "load", lambda name: run)
    monkeypatch.setattr(kinds, "load", lambda name: run)


def wattmark(*arguments: object) -> str:
    found = CliRunner().invoke(app, [str(a) for a in arguments])
    if found.exception is not None:
        raise found.exception
    return found.stdout


def test_the_rule_rates(tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    write_table(pa.table({"energy_wh": [1.0, 4.0, 16.0, 64.0, 1024.0]}), table)
    rows = wattmark("rate", table, "--rule", "equal-ratios").splitlines()[1:]
    assert [row.split()[1] for row in rows] == ["5", "4", "3", "2", "1"]
    assert "bands of equal ratio" in wattmark("list", "rules")


def test_the_rule_cuts_the_ratios_as_another_cuts_the_differences() -> None:
    ordered = np.array([1.0, 3.0, 16.0, 70.0, 1024.0])
    mine, other = find_rule("equal-ratios"), find_rule("aies-2025")
    assert mine.stars(ordered).tolist() == other.stars(np.log(ordered)).tolist()
    assert mine.stars(np.ones(5)).tolist() == [5] * 5
    for cut in (1, 2, 3, 4):
        known = np.exp(other.border(np.log(ordered), np.log(ordered), cut))
        assert mine.border(ordered, ordered, cut) == pytest.approx(known)


def test_the_export_is_written() -> None:
    told = wattmark("export", "latest", "--format", "one-line")
    assert told.startswith("minilm-l6-sentiment: 0.0556 mWh a query")
    assert "one-line  a line for a message" in wattmark("list", "exports")


def test_the_report_is_printed() -> None:
    assert wattmark("report", "latest", "--format", "txt").startswith(f"{BASELINE}  84.2")
    assert "txt  one line a setup" in wattmark("list", "reports")
