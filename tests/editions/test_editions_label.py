"""The label: its size, its words in every language, its text alternative, and no injection."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from synthetic_run import MEASURED, make_result, make_run

from wattmark.editions.edition_files import Editions, label_of
from wattmark.editions.label import Label, languages, render_badge, render_label, write_label
from wattmark.errors import InputError, RatingError, UnknownNameError
from wattmark.records import bundle_of

LABEL = Label(
    model="minilm",
    task="text-classification",
    setup="openvino/cpu/fp32",
    hardware="AMD EPYC",
    edition="2026-H2",
    date="2026-11-24",
    digest="0123456789abcdef",
    address="https://example.org/editions/2026-H2",
    energy="12 mWh",
    interval="[3, 37]",
    grade="modelled",
    quality="accuracy 79.3 [76.7, 81.7] %",
    stars=4,
    probability=0.45,
)
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_label_has_its_size_its_figures_and_four_filled_stars() -> None:
    svg = render_label(LABEL)
    root = ElementTree.fromstring(svg)
    assert (root.get("width"), root.get("height")) == ("260", "364")
    said = texts(svg)
    for text in ("minilm", "12 mWh", "[3, 37] · modelled", "4 of 5 stars, sure to 45 %"):
        assert text in said
    stars = re.findall(r'fill="(#\w+)" stroke="#111" stroke-width="1.5"', svg)
    assert stars == ["#111"] * 4 + ["#fff"]


def test_the_text_alternative_has_all_that_the_picture_has() -> None:
    described = ElementTree.fromstring(render_label(LABEL)).find(f"{SVG}desc")
    assert described is not None and described.text is not None
    for text in ("minilm", "sure to 45 %", "12 mWh [3, 37] (modelled)", "AMD EPYC", "0123456789ab"):
        assert text in described.text


@pytest.mark.parametrize("language", languages())
def test_every_language_has_every_word(language: str) -> None:
    folder = files("wattmark.editions") / "messages"
    english, words = (
        yaml.safe_load((folder / f"{code}.yaml").read_text("utf-8")) for code in ("en", language)
    )
    assert words.keys() == english.keys()
    assert words["grades"].keys() == english["grades"].keys()
    assert words["energy"] in texts(render_label(LABEL, language))
    ElementTree.fromstring(render_badge(LABEL, language))


def test_an_unrated_result_says_so_and_fills_no_star() -> None:
    svg = render_label(replace(LABEL, stars=None, probability=None, unrated="quality_gate"))
    assert "not rated (quality_gate)" in texts(svg)
    assert 'fill="#111" stroke="#111" stroke-width="1.5"' not in svg


def test_a_name_cannot_bring_markup_with_it() -> None:
    bad = replace(LABEL, model='<script>alert("x")</script>', hardware="a & b")
    for svg in (render_label(bad), render_badge(bad)):
        assert "<script" not in svg
        ElementTree.fromstring(svg)


def test_another_address_is_another_qr_code() -> None:
    other = replace(LABEL, address="https://example.org/other")
    assert render_label(LABEL) != render_label(other)
    assert render_label(LABEL) == render_label(replace(LABEL))


def test_a_png_is_twice_the_size(tmp_path: Path) -> None:
    write_label(render_label(LABEL), tmp_path / "label.png")
    head = (tmp_path / "label.png").read_bytes()[:24]
    assert struct.unpack(">II", head[16:]) == (520, 728)
    with pytest.raises(InputError, match=r"is written as \.svg or \.png"):
        write_label("", tmp_path / "label.gif")
    with pytest.raises(UnknownNameError, match="language"):
        render_label(LABEL, "xx")


def test_the_label_of_an_editions_best_rated_setup(tmp_path: Path) -> None:
    run = make_run([make_result(label, *figures) for label, figures in MEASURED.items()])
    shelf = Editions(tmp_path)
    shelf.open("2999-H2", "quintile")
    with pytest.raises(RatingError, match="is not frozen"):
        label_of(shelf.load("2999-H2"), run.model.name)
    shelf.add("2999-H2", [bundle_of(run)])
    edition = shelf.freeze("2999-H2")
    best = label_of(edition, run.model.name)
    assert (best.stars, best.grade) == (5, "modelled")
    assert best.energy.endswith("Wh") and best.interval.startswith("[")
    assert best.quality.startswith("accuracy ")
    assert best.address == f"urn:sha256:{edition.digest}"
    worst = label_of(edition, run.id, "pytorch/eager/fp32", "https://example.org/x")
    assert (worst.stars, worst.address) == (1, "https://example.org/x")
    for what, setup in (("minilmm", None), (run.id, "pytorch/eager/fp31")):
        with pytest.raises(UnknownNameError):
            label_of(edition, what, setup)
