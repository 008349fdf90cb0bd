"""Yes or no, as tables and people write it; whatever is neither is refused by its value."""

from __future__ import annotations

from wattmark.errors import InputError

_TRUE = frozenset({"true", "t", "yes", "y", "1", "pass", "passed", "ok", "on"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "fail", "failed", "off"})


def read_truth(value: object) -> bool | None:
    """Whether a value says yes; None where it is absent or empty text.

    Words count in any case, numbers where they are 0 or 1, also as text (``1.0``). Raises
    InputError that repeats the value for everything else: a share, NaN, another word.
    """
    if value is None or isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if not word:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if number in (0.0, 1.0):
        return number == 1.0
    raise InputError(f"{value!r} is neither yes nor no: write true or false (yes, no, 1, 0)")
