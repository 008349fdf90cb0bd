"""Editions with fixed limits: drawn from the one before, or from a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from shelves import a_run
from typer.testing import CliRunner

from wattmark.cli.main import app
from wattmark.editions import edition_files as editions_module
from wattmark.editions.edition_files import Editions
from wattmark.errors import RatingError
from wattmark.records import bundle_of
from wattmark.workflows import runs


def test_fixed_limits_are_drawn_from_the_edition_before_and_then_stay(
    first: Editions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editions_module, "today", lambda: "2026-12-01")
    opened = first.open("2026-H2", "absolute")
    made = first.freeze("2026-H2")
    rated = [star.stars for star in made.stars if star.stars is not None]
    assert max(rated) == 4 and min(rated) == 1  # the top class is empty at birth
    assert first.verify("2026-H2") == []
    assert {c.why for c in first.diff("2026-H1", "2026-H2").changed} == {"rule"}

    monkeypatch.setattr(editions_module, "today", lambda: "2027-03-01")
    assert first.open("2027-H1", "absolute").limits == opened.limits
    first.add("2027-H1", [bundle_of(a_run(pytorch_compile_fp32=0.01))])
    better = first.freeze("2027-H1")
    stars = {e.setup: s.stars for e, s in zip(better.entries, better.stars, strict=True)}
    assert stars.pop("pytorch/compile/fp32") == 5
    before = {e.setup: s.stars for e, s in zip(made.entries, made.stars, strict=True)}
    assert stars == {setup: before[setup] for setup in stars}  # whoever else is there


def test_limits_from_a_file_are_named_as_rate_names_them(
    shelf: Editions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runs, "finished", lambda: [a_run()])
    monkeypatch.setattr(runs, "bundle", lambda name: bundle_of(a_run()))
    file = tmp_path / "limits.yaml"

    def wattmark(*arguments: object) -> str:
        found = CliRunner().invoke(app, [str(a) for a in arguments])
        if found.exception is not None:
            raise found.exception
        return found.stdout

    where = ("--dir", shelf.folder)
    wattmark("rate", "--write-limits", file)
    wattmark("edition", "open", "2026-H1", "--rule", "absolute", "--limits", file, *where)
    wattmark("edition", "add", "2026-H1", "latest", *where)
    wattmark("edition", "freeze", "2026-H1", *where)
    made = shelf.load("2026-H1")
    assert set(made.limits or {}) == {entry.group for entry in made.entries}
    assert {s.stars for s in made.stars if s.stars} == {1, 2, 3, 4}

    document = file.read_text()
    (limits,) = yaml.safe_load(document)["most_energy_for_5_4_3_2_stars"].values()
    low = shelf.folder / "low"
    entry = made.entries[0]
    name = f"{entry.task} / all / {entry.hardware}"
    raised = {name: [1e3 * limit for limit in limits]}
    file.write_text(yaml.safe_dump({"limits_version": 1, "most_energy_for_5_4_3_2_stars": raised}))
    wattmark(*("edition", "open", "2026-H1", "--rule", "absolute", "--limits", file, "--dir", low))
    wattmark("edition", "add", "2026-H1", "latest", "--dir", low)
    said = wattmark("edition", "freeze", "2026-H1", "--dir", low)
    assert f"{name}: so many have come to the top that its limits are due" in said
    assert "its limits are due" in wattmark("edition", "verify", "2026-H1", "--dir", low)


def test_limits_that_cannot_be_used_are_refused(first: Editions, tmp_path: Path) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text("limits_version: 1\nmost_energy_for_5_4_3_2_stars: {a: [1, 2, 3, 4]}")
    with pytest.raises(RatingError, match="2026-H2: rule quintile has no limits"):
        first.open("2026-H2", "quintile", file)
    with pytest.raises(RatingError, match="rule absolute needs limits"):
        Editions(tmp_path).open("2026-H1", "absolute")
    path = first.folder / "2026-H1.json"
    for limits, said in (
        ('{"a":[1,2,3,4]}', "rule quintile has no limits"),
        ('{"a":[4,3,2,1]},"rule":"absolute"', "do not rise"),
    ):
        text = path.read_text().replace('"limits":null', f'"limits":{limits}')
        path.with_name("2027-H1.json").write_text(
            text.replace('"rule":"quintile",', "") if "abs" in limits else text
        )
        with pytest.raises(RatingError, match=said):
            first.load("2027-H1")
