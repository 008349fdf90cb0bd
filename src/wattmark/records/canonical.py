"""One canonical form of JSON, that of RFC 8785, and the parts of a document that is in it.

Canonical JSON has no spaces and its keys in order, so a part of a document is canonical by itself:
the bytes of an array's element, or what is left when a member is cut out. That is how digests of
parts are checked against the bytes that are kept, which are never written anew for it.
"""

from __future__ import annotations

import hashlib
import json
from json.decoder import JSONDecoder
from typing import Any

#: Beyond it not every integer is a number of JSON.
MOST_INTEGER = 2**53 - 1
_VALUE = JSONDecoder()


def canonical(data: Any) -> bytes:
    """The canonical JSON of RFC 8785.

    Raises ValueError for what has none: a lone surrogate, an integer beyond 2^53, NaN.
    """
    import rfc8785

    return rfc8785.dumps(data)


def read_canonical(document: bytes | str) -> Any:
    """What a canonical document says, the numbers as they were.

    RFC 8785 writes a float as large as 1e20 without its exponent. Raises ValueError.
    """
    return json.loads(document, parse_int=_number)


def sha256_of(document: bytes) -> str:
    """sha256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(document).hexdigest()


def members(document: bytes) -> dict[str, bytes]:
    """The members of a canonical object, each as the bytes that it has there. Raises ValueError."""
    text = document.decode()
    found, at = {}, 0
    while text[at : at + 1] == ("," if at else "{") and len(text) > 2:
        key, colon = _VALUE.raw_decode(text, at + 1)
        if text[colon : colon + 1] != ":":
            break
        _, end = _VALUE.raw_decode(text, colon + 1)
        found[key] = text[colon + 1 : end].encode()
        at = end
    if text[at:] not in ("}", "{}"):
        raise ValueError(f"no canonical object: {text[at : at + 20]!r} at {at}")
    return found


def elements(document: bytes) -> list[bytes]:
    """The elements of a canonical array, each as the bytes that it has there. Raises ValueError."""
    text = document.decode()
    found, at = [], 0
    while text[at : at + 1] == ("," if at else "[") and len(text) > 2:
        _, end = _VALUE.raw_decode(text, at + 1)
        found.append(text[at + 1 : end].encode())
        at = end
    if text[at:] not in ("]", "[]"):
        raise ValueError(f"no canonical array: {text[at : at + 20]!r} at {at}")
    return found


def joined(parts: dict[str, bytes]) -> bytes:
    """The canonical object with these members, whose keys are ASCII; `members` takes it apart."""
    return b"{" + b",".join(canonical(key) + b":" + parts[key] for key in sorted(parts)) + b"}"


def without(document: bytes, key: str) -> bytes:
    """A canonical object less one of its members. Raises ValueError."""
    return joined({name: part for name, part in members(document).items() if name != key})


def content_digest(data: Any) -> str:
    """sha256 by which content is known again on this side: of caches, data sets, models, plans.

    It is made of JSON with sorted keys and without spaces, whose numbers are as Python writes them.
    What is signed, or checked by others, is the sha256 of bytes that are kept, in the form of
    `canonical`; this one never is.
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _number(digits: str) -> int | float:
    value = float(digits)
    return int(digits) if abs(value) <= MOST_INTEGER else value
