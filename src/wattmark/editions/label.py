"""The label of a rated result: SVG (260 x 364), PNG, and a badge of one line.

Stars are told by shape, filled or outlined, so that it reads in grey and to those who do not see
colours; the SVG carries its text as an alternative. Words come from ``messages/<language>.yaml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from wattmark.errors import InputError, MissingPackageError, UnknownNameError
from wattmark.formatting import probability_text
from wattmark.outside.files import naming

#: Room for the QR code in the label, px.
_QR_ROOM = 80


@dataclass(frozen=True)
class Label:
    """What a label says. ``stars`` is None for a result that is not rated, with ``unrated``."""

    model: str
    task: str
    setup: str
    hardware: str
    edition: str
    date: str
    digest: str
    address: str
    energy: str
    interval: str
    grade: str
    quality: str
    stars: int | None
    probability: float | None
    unrated: str = ""


def languages() -> tuple[str, ...]:
    """Codes of the languages that have a file of words."""
    folder = files("wattmark.editions") / "messages"
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir()))


def render_label(label: Label, language: str = "en") -> str:
    """The label as SVG. Raises UnknownNameError for a language without words."""
    words = _words(language)
    scale, path, size = _qr(label.address)
    svg: str = _template("label.svg").render(
        label=label,
        words=words,
        grade=words["grades"].get(label.grade, label.grade),
        stars_text=_stars(label, words),
        confidence=_confidence(label, words),
        alternative=_alternative(label, words),
        short=_short,
        qr_scale=scale,
        qr_path=path,
        qr_size=size,
    )
    return svg


def render_badge(label: Label, language: str = "en") -> str:
    """One line as SVG: edition, stars, energy of a thousand queries."""
    words = _words(language)
    stars = "★" * label.stars + "☆" * (5 - label.stars) if label.stars else words["not_rated"]
    right = f"{stars}  {label.energy}"
    left = 14 + 7 * len(f"Wattmark {label.edition}")
    svg: str = _template("badge.svg").render(
        label=label,
        left=left,
        width=left + 14 + 8 * len(right),
        right=right,
        alternative=_alternative(label, words),
    )
    return svg


def write_label(svg: str, path: Path) -> None:
    """Write the SVG, or a PNG of twice its size. Raises InputError, MissingPackageError."""
    if path.suffix == ".svg":
        with naming(path):
            path.write_text(svg, encoding="utf-8")
        return
    if path.suffix != ".png":
        raise InputError(f"{path}: a label is written as .svg or .png")
    drawn = png_of(svg)
    with naming(path):
        path.write_bytes(drawn)


def png_of(svg: str) -> bytes:
    """A label as PNG, of twice its size. Raises MissingPackageError."""
    try:
        import vl_convert
    except ImportError as error:
        raise MissingPackageError(
            "drawing a PNG needs vl-convert: pip install 'wattmark[charts]'"
        ) from error
    png: bytes = vl_convert.svg_to_png(svg, scale=2.0)
    return png


def _stars(label: Label, words: dict[str, Any]) -> str:
    if label.stars is None:
        return f"{words['not_rated']} ({label.unrated})"
    return str(words["stars"]).format(n=label.stars)


def _confidence(label: Label, words: dict[str, Any]) -> str:
    if label.stars is None or label.probability is None:
        return _stars(label, words)
    sure = str(words["sure"]).format(share=probability_text(label.probability))
    return f"{_stars(label, words)}, {sure}"


def _alternative(label: Label, words: dict[str, Any]) -> str:
    grade = words["grades"].get(label.grade, label.grade)
    return (
        f"{label.model}, {label.task}, {label.setup}. {_confidence(label, words)}. "
        f"{words['energy']}: {label.energy} {label.interval} ({grade}). "
        f"{words['quality']}: {label.quality}. {words['hardware']}: {label.hardware}. "
        f"{words['edition']} {label.edition}, {label.date}, {label.digest[:12]}."
    )


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


@cache
def _words(language: str) -> dict[str, Any]:
    if language not in languages():
        raise UnknownNameError("language", language, languages())
    text = (files("wattmark.editions") / "messages" / f"{language}.yaml").read_text("utf-8")
    words: dict[str, Any] = yaml.safe_load(text)
    return words


@cache
def _template(name: str) -> Any:
    environment = Environment(
        loader=PackageLoader("wattmark.editions"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template(name)


def _qr(address: str) -> tuple[float, str, float]:
    """Scale, path and size in px of the address's QR code."""
    try:
        import segno
    except ImportError as error:
        raise MissingPackageError(
            "the label's QR code needs segno: pip install 'wattmark[editions]'"
        ) from error
    code = segno.make(address, error="m", micro=False)
    modules = code.symbol_size(border=0)[0]
    rows = [
        f"M{x} {y}.5h1" for y, row in enumerate(code.matrix) for x, dark in enumerate(row) if dark
    ]
    return _QR_ROOM / modules, "".join(rows), float(_QR_ROOM)
