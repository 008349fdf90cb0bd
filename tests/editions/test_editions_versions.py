"""Editions that an older Wattmark froze stay what they are; those of a newer one are refused."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from shelves import a_run, rewritten

from wattmark.editions.edition import Edition, digest, stars
from wattmark.editions.edition import document as edition_document
from wattmark.editions.edition_files import Editions
from wattmark.editions.edition_problems import remarks
from wattmark.errors import RatingError
from wattmark.records import bundle_of
from wattmark.records.canonical import canonical


@pytest.mark.parametrize(
    ("field", "by", "found"),
    [
        ("probability", 0.004, False),
        ("probability", -0.006, True),
        ("distance_pct", 0.00005, False),
        ("distance_pct", 0.0002, True),
    ],
)
def test_another_machine_may_differ_in_the_last_digits_and_no_further(
    first: Editions, field: str, by: float, found: bool
) -> None:
    def change(document: dict[str, Any]) -> None:
        star = next(s for s in document["stars"] if s["stars"] is not None)
        star[field] += by * (star[field] if field == "distance_pct" else 1)

    rewritten(first, change)
    said = first.verify("2026-H1")
    assert bool(said) == found
    assert all("its entries give" in problem for problem in said)


def as_version_2(document: dict[str, Any]) -> None:
    """Whole intervals only; its probabilities were drawn as they are today."""
    document.update(edition_version=2)
    for entry in document["entries"]:
        for name in ("comparable_low_wh", "comparable_high_wh", "scale"):
            del entry[name]
    its = Edition.model_validate({**document, "stars": []})
    document["stars"] = [star.model_dump(mode="json") for star in stars(its)]


def as_version_1(document: dict[str, Any]) -> None:
    as_version_2(document)
    document.update(edition_version=1, resamples=2000)
    del document["limits"]
    for star in document["stars"]:
        if star["probability"] is not None:
            star["probability"] = 0.5


@pytest.mark.parametrize("older", [as_version_1, as_version_2])
def test_an_older_edition_keeps_its_digest(first: Editions, older: Any) -> None:
    rewritten(first, older)
    assert first.verify("2026-H1") == []
    document = json.loads((first.folder / "2026-H1.json").read_text())
    del document["digest"]  # the digest is of what its version had, and of nothing since
    written = edition_document(first.load("2026-H1"))
    assert digest(written) == hashlib.sha256(canonical(document)).hexdigest()


def test_an_edition_of_the_older_method_says_what_it_is(first: Editions) -> None:
    rewritten(first, as_version_1)
    (remark,) = remarks(first.load("2026-H1"))
    assert "edition_version 1, whose probabilities were drawn in another way" in remark
    assert first.verify("2026-H1") == []

    rewritten(first, lambda document: document.update(edition_version=2, limits=None))
    assert remarks(first.load("2026-H1")) == []
    assert first.verify("2026-H1") != []  # its probabilities are computed anew


def test_an_older_edition_has_no_shared_scale(first: Editions) -> None:
    path = first.folder / "2026-H1.json"
    path.write_text(path.read_text().replace('"edition_version":3', '"edition_version":2'))
    with pytest.raises(RatingError, match="share a scale since edition_version 3"):
        first.load("2026-H1")


def test_an_open_edition_of_an_older_version_takes_results_that_share_a_scale(
    shelf: Editions,
) -> None:
    opened = shelf.open("2026-H1", "quintile")
    path = shelf.folder / "2026-H1.json"
    path.write_text(path.read_text().replace('"edition_version":3', '"edition_version":2'))

    shelf.add("2026-H1", [bundle_of(a_run())])

    frozen = shelf.freeze("2026-H1")
    assert opened.edition_version == frozen.edition_version == 3
    assert {entry.scale for entry in frozen.entries} != {""}
    assert shelf.verify("2026-H1") == []


def test_an_edition_of_a_later_version_is_refused(first: Editions) -> None:
    path = first.folder / "2026-H1.json"
    path.write_text(path.read_text().replace('"edition_version":3', '"edition_version":4'))
    with pytest.raises(RatingError, match="edition_version is 4, and 3 is the newest"):
        first.load("2026-H1")


#: Digests that Wattmark gave to :data:`ENTRY` in an edition of each version, when that was new.
DIGESTS = {
    1: "5f20fe938217ad7f0708a4b313c36c1734f5f13e8f89dab9f7ed268331f343e0",
    2: "3264ea1fe05350e363b82ee5b1f76e3b333dd516d74181f0a62d60e43d3f5a97",
    3: "5cf02a60f5b6cf30424db360f7123060ed5855d75df9b73246371f61ee2514d5",
}
ENTRY = {
    "run": "20260101-120000-quickstart",
    "result_sha256": "ab" * 32,
    "model": "minilm-l6-sentiment",
    "task": "text-classification",
    "model_class": "",
    "setup": "pytorch/eager/fp32",
    "hardware": "AMD EPYC 9654",
    "grade": "modelled",
    "gate_passed": True,
    "quality": "accuracy 84.2 [81.8, 86.4] %",
    "energy_wh": 5.6e-05,
    "low_wh": 2.2e-05,
    "high_wh": 1.4e-04,
    "level": 0.95,
}


@pytest.mark.parametrize("version", DIGESTS)
def test_the_digest_of_a_stored_edition_stays_what_it_was(version: int) -> None:
    edition = Edition.model_validate(
        {
            "edition_version": version,
            "name": "2026-H1",
            "closes": "2026-06-30",
            "rule": "quintile",
            "rule_version": 1,
            "entries": [ENTRY],
        }
    )
    assert digest(edition_document(edition)) == DIGESTS[version]
