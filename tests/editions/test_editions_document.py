"""Editions: frozen means frozen, old results are rated anew, and every change is explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shelves import a_run
from synthetic_run import MEASURED
from typer.testing import CliRunner

from wattmark.cli.main import app
from wattmark.editions import edition_files as editions_module
from wattmark.editions.edition import closing_date
from wattmark.editions.edition_files import Editions, entry_of
from wattmark.errors import RatingError, UnknownNameError, WattmarkError
from wattmark.records import Run, bundle_of
from wattmark.workflows import runs


def test_an_edition_has_a_star_or_a_reason_for_every_result(first: Editions) -> None:
    edition = first.load("2026-H1")
    assert len(edition.stars) == len(edition.entries) == len(MEASURED)
    assert {s.stars for s in edition.stars} >= {1, 5}
    assert all((s.stars is None) == (s.unrated_reason is not None) for s in edition.stars)
    assert first.verify("2026-H1") == []


def test_freezing_the_same_results_gives_the_same_digest(first: Editions, tmp_path: Path) -> None:
    again = Editions(tmp_path / "again")
    again.open("2026-H1", "quintile")
    again.add("2026-H1", [bundle_of(a_run())])
    assert again.freeze("2026-H1").digest == first.load("2026-H1").digest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["entries"][0].update(energy_wh=1e-9, low_wh=1e-10), "its entries give"),
        (lambda d: d["stars"][0].update(stars=1 + (d["stars"][0]["stars"] or 0) % 5), "has "),
        (lambda d: d.update(frozen_on="2026-05-01"), "does not have the digest"),
        (lambda d: d["entries"].pop(), "8 entries"),
        (lambda d: d.update(rule="aies-2025"), "does not have the digest"),
    ],
    ids=["energy", "star", "date", "entry", "rule"],
)
def test_any_change_of_a_frozen_edition_is_found(first: Editions, change, said) -> None:
    path = first.folder / "2026-H1.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    found = first.verify("2026-H1")
    assert any("does not have the digest" in problem for problem in found)
    assert any(said in problem for problem in found)


def test_a_change_of_an_edition_breaks_those_that_follow(first: Editions, monkeypatch) -> None:
    monkeypatch.setattr(editions_module, "today", lambda: "2026-12-01")
    first.open("2026-H2", "quintile")
    first.freeze("2026-H2")
    assert first.verify("2026-H2") == []
    path = first.folder / "2026-H1.json"
    document = json.loads(path.read_text())
    document["digest"] = "0" * 64
    path.write_text(json.dumps(document))
    found = first.verify("2026-H2")
    assert "2026-H2: 2026-H1 is not the edition that it follows" in found
    path.unlink()
    assert "2026-H2: 2026-H1 is not the edition that it follows" in first.verify("2026-H2")


def test_a_later_edition_rates_old_results_anew_and_says_why(first: Editions, monkeypatch) -> None:
    monkeypatch.setattr(editions_module, "today", lambda: "2026-12-01")
    first.open("2026-H2", "quintile")
    first.add("2026-H2", [bundle_of(a_run(pytorch_compile_fp32=0.1))])  # much better than it was
    first.freeze("2026-H2")
    found = first.diff("2026-H1", "2026-H2")
    assert (found.joined, found.left) == ((), ())
    why = {c.entry.setup: c.why for c in found.changed}
    assert why["pytorch/compile/fp32"] == "correction"
    assert first.diff("2026-H1", "2026-H1").changed == ()


def test_another_rule_is_named_as_the_cause(first: Editions, monkeypatch) -> None:
    monkeypatch.setattr(editions_module, "today", lambda: "2026-12-01")
    first.open("2026-H2", "aies-2025")
    first.freeze("2026-H2")
    found = first.diff("2026-H1", "2026-H2")
    assert found.changed and {c.why for c in found.changed} == {"rule"}
    assert "since the rule changed" in found.changed[0].sentence()


def with_model(run: Run, **changes: object) -> Run:
    return run.model_copy(update={"model": run.model.model_copy(update=changes)})


def test_new_results_are_named_as_joined(first: Editions, monkeypatch) -> None:
    monkeypatch.setattr(editions_module, "today", lambda: "2026-12-01")
    first.open("2026-H2", "quintile")
    first.add(
        "2026-H2",
        [bundle_of(with_model(a_run(), name="other"))],
    )
    first.freeze("2026-H2")
    found = first.diff("2026-H1", "2026-H2")
    assert {e.model for e in found.joined} == {"other"}
    assert {c.why for c in found.changed} <= {"population"}


def test_an_edition_closes_on_its_date(shelf: Editions, monkeypatch) -> None:
    assert (closing_date("2026-H1"), closing_date("2026-H2")) == ("2026-06-30", "2026-12-31")
    shelf.open("2026-H1", "quintile")
    monkeypatch.setattr(editions_module, "today", lambda: "2026-07-01")
    with pytest.raises(RatingError, match="closed on 2026-06-30: results wait for the next one"):
        shelf.add("2026-H1", [bundle_of(a_run())])


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda s: s.freeze("2026-H1"), RatingError, "is frozen already, on 2026-06-01"),
        (
            lambda s: s.add("2026-H1", [bundle_of(a_run())]),
            RatingError,
            "results wait for the next one",
        ),
        (lambda s: s.open("2026-H1", "quintile"), RatingError, "exists already"),
        (lambda s: s.open("2026-H3", "quintile"), RatingError, "is not a half-year"),
        (lambda s: s.open("../2026-H2", "quintile"), RatingError, "is not a half-year"),
        (lambda s: s.open("2026-H2", "quintil"), UnknownNameError, "did you mean 'quintile'"),
        (lambda s: s.load("2031-H1"), RatingError, "there is no edition '2031-H1'"),
        (
            lambda s: s.freeze(s.open("2026-H2", "quintile").name) and s.diff("2026-H1", "2027-H1"),
            RatingError,
            "there is no edition '2027-H1'",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(
    first: Editions, call, error: type[WattmarkError], said: str
) -> None:
    with pytest.raises(error, match=said):
        call(first)


def test_an_edition_without_results_is_not_frozen(shelf: Editions) -> None:
    shelf.open("2026-H1", "quintile")
    assert shelf.verify("2026-H1") == ["2026-H1 is not frozen"]
    with pytest.raises(RatingError, match="has no results"):
        shelf.freeze("2026-H1")
    with pytest.raises(RatingError, match="comes before 2026-H2 and is not frozen"):
        shelf.open("2026-H2", "quintile")


def test_a_file_that_is_no_edition_is_refused_by_its_field(first: Editions) -> None:
    path = first.folder / "2026-H1.json"
    path.write_text(path.read_text().replace('"rule":', '"ruel":'))
    with pytest.raises(RatingError, match=r"2026-H1.json: not a valid edition: rule: "):
        first.load("2026-H1")


def test_models_that_generate_text_are_rated_within_their_class(shelf: Editions) -> None:
    run = a_run()
    task = run.task.model_copy(update={"name": "text-generation"})
    sizes = {"small": 10**9, "large": 10**11}
    shelf.open("2026-H1", "quintile")
    shelf.add(
        "2026-H1",
        [
            bundle_of(with_model(run.model_copy(update={"task": task}), name=name, parameters=size))
            for name, size in sizes.items()
        ],
    )
    made = shelf.freeze("2026-H1")
    assert {(e.model, e.model_class) for e in made.entries} == {("small", "A"), ("large", "C")}
    assert entry_of(bundle_of(run), run.results[0]).model_class == ""  # other tasks have no classes


def test_from_the_command_line(shelf: Editions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "bundle", lambda name: bundle_of(a_run()))

    def wattmark(*arguments: str) -> tuple[int, str]:
        found = CliRunner().invoke(app, ["edition", *arguments, "--dir", str(shelf.folder)])
        return found.exit_code, found.stdout

    assert wattmark("open", "2026-H1") == (
        0,
        "2026-H1: rule quintile, closes 2026-06-30\n",
    )
    assert wattmark("add", "2026-H1", "latest") == (0, "2026-H1: 9 results\n")
    assert "results rated, digest" in wattmark("freeze", "2026-H1")[1]
    assert wattmark("verify", "2026-H1") == (0, "2026-H1: as it was frozen\n")
    assert wattmark("diff", "2026-H1", "2026-H1") == (0, "nothing changed\n")
    path = shelf.folder / "2026-H1.json"
    path.write_text(path.read_text().replace("2026-06-01", "2026-06-02"))
    code, said = wattmark("verify", "2026-H1")
    assert code == 1 and "does not have the digest" in said
