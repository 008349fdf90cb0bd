"""Paths that cannot be written are refused before there is anything to lose."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from wattmark.cli.main import app
from wattmark.errors import InputError
from wattmark.outside.files import writable
from wattmark.reports.charts import check_chart
from wattmark.workflows import runs, sweeping


def test_a_file_that_is_there_or_may_be_made_is_fine(tmp_path: Path) -> None:
    writable(tmp_path / "new.html")
    (tmp_path / "old.html").write_text("old")
    writable(tmp_path / "old.html")
    assert (tmp_path / "old.html").read_text() == "old"
    writable(Path("report.html"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone/r.html", "No such file or directory; make the folder .*gone first"),
        ("file/r.html", "Not a directory; .*file is a file"),
        ("folder", "Is a directory; name a file in it"),
    ],
)
def test_what_cannot_be_written_says_why(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=said):
        writable(tmp_path / name)


def test_nothing_is_measured_for_a_report_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(*_: object, **__: object) -> None:
        pytest.fail("it measured")

    for use_case, name in ((runs, "run"), (runs, "resume"), (sweeping, "sweep")):
        monkeypatch.setattr(use_case, name, measured)
    gone = tmp_path / "gone"
    for line in (
        ["run", "--report", str(gone / "r.html")],
        ["run", "--resume", "latest", "--report", str(gone / "r.html")],
        ["sweep", "--plot", str(gone / "p.svg")],
    ):
        raised = CliRunner().invoke(app, line).exception
        assert isinstance(raised, InputError), line
        assert f"make the folder {gone} first" in str(raised)


def test_a_chart_has_a_suffix_that_can_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a chart is written as \.svg or \.png"):
        check_chart(tmp_path / "p.pdf")
