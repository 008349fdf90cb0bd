"""Characters that the terminal does not have: others stand in for them, and nothing fails."""

from __future__ import annotations

import codecs
import io
import sys

_STAND_INS = {
    "–": "-",
    "—": "-",
    "−": "-",
    "•": "*",
    "±": "+-",
    "×": "x",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "µ": "u",
    "μ": "u",
    "…": "...",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "→": "->",
    "·": ".",
    "²": "2",
    "³": "3",
    "₂": "2",
    "\u202f": " ",
    "\u2009": " ",
    "\xa0": " ",
}
_HANDLER = "wattmark.stand_ins"


def degrade_characters() -> None:
    """Let stdout and stderr print every text, whatever their encoding has."""
    codecs.register_error(_HANDLER, _stand_in)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _stand_in(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = "".join(_plain(char) for char in error.object[error.start : error.end])
    return found.encode(error.encoding, "replace"), error.end


def _plain(char: str) -> str:
    if "\u2500" <= char <= "\u257f":  # lines of tables
        return "-" if char in "─━═╌╍┄┅┈┉" else "|" if char in "│┃║╎╏┆┇┊┋" else "+"
    if "\u2580" <= char <= "\u259f":  # blocks of bars
        return "#"
    return _STAND_INS.get(char, "?")
