"""Templates of the pages, and how figures and stars are written in them."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from wattmark.board.web.static_files import static_path
from wattmark.formatting import count_text, number, probability_text
from wattmark.rating.unrated import Unrated
from wattmark.reports.html_parts import breakable, html_environment

if TYPE_CHECKING:
    from jinja2 import Environment

    from wattmark.reports.cells import Cell


def render(template: str, **values: Any) -> str:
    """A page as HTML."""
    text: str = _environment().get_template(template).render(values)
    return text


def render_macro(template: str, macro: str, *values: Any) -> Markup:
    """A part of a page: what a macro of a template gives."""
    called: Markup = getattr(_environment().get_template(template).module, macro)(*values)
    return called


def load_templates() -> None:
    """Compile all templates, so that the first pages are as quick as the others."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)


_breakable = lru_cache(maxsize=4096)(breakable)


def _figure(cell: Cell) -> Markup:
    """A value with its interval, or why it is missing; a macro would take twice the time."""
    if not cell.interval:
        return escape(cell.value)
    kind = "interval reason" if cell.missing else "interval"
    interval = f'<span class="{kind}">{escape(cell.interval)}</span>'
    return Markup(f"{escape(cell.value)}{interval}")


def _glyphs(stars: int) -> str:
    return "★" * stars + "☆" * (5 - stars)


def _why_unrated(code: str) -> str:
    """The sentence of a reason for no star."""
    return next((reason.sentence for reason in Unrated if reason.value == code), code)


@cache
def _environment() -> Environment:
    environment = html_environment("wattmark.board")
    environment.filters |= {
        "breakable": _breakable,
        "figure": _figure,
        "glyphs": _glyphs,
        "probability": probability_text,
        "number": number,
        "count": count_text,
        "why_unrated": _why_unrated,
    }
    environment.globals |= {"static": static_path}
    return environment
