"""Style sheet, scripts and fonts of the pages: whole in memory, named by what is in them.

An address holds the start of the file's sha256, so that browsers keep the file for good. The chart
library is the one that the HTML report vendors (``reports/static/LICENSES.md``).
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from wattmark.reports.html_parts import policy_hash

_FILES = {
    "board.css": "wattmark.board",
    "board.js": "wattmark.board",
    "chart.js": "wattmark.board",
    "htmx.min.js": "wattmark.board",
    "icon.svg": "wattmark.board",
    "d3.min.js": "wattmark.reports",
    "frameworks.js": "wattmark.reports",
    "plot.umd.min.js": "wattmark.reports",
}
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True)
class StaticFile:
    """A file with its compressed form; ``media_type`` includes the charset."""

    body: bytes
    compressed: bytes
    media_type: str
    digest: str


@cache
def static_files() -> dict[str, StaticFile]:
    """All files by the name in their address, such as ``board.1f2e3d4c5b6a.css``."""
    found = {}
    for name in _FILES:
        body = _read(name)
        digest = hashlib.sha256(body).hexdigest()
        stem, _, suffix = name.rpartition(".")
        media_type = f"{_TYPES[suffix]}; charset=utf-8"
        file = StaticFile(body, gzip.compress(body, 9, mtime=0), media_type, digest)
        found[f"{stem}.{digest[:12]}.{suffix}"] = file
    return found


@cache
def static_path(name: str) -> str:
    """The address of a file, on this board."""
    stem, _, suffix = name.rpartition(".")
    digest = hashlib.sha256(_read(name)).hexdigest()
    return f"/static/{stem}.{digest[:12]}.{suffix}"


@cache
def inline_style_hash() -> str:
    """What the style sheet that the chart library inserts is allowed by."""
    text = (files("wattmark.reports") / "static" / "plot-inline.css").read_bytes()
    return policy_hash(text)


@cache
def _read(name: str) -> bytes:
    return (files(_FILES[name]) / "static" / name).read_bytes()
