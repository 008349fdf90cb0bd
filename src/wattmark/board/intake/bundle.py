"""A bundle as it was submitted: a run, whole, under the digest of its canonical form.

The canonical form is RFC 8785's, so that two writings of the same document are one bundle.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from wattmark.errors import RefusedError
from wattmark.records import READABLE_VERSIONS, Bundle, Run, problems_text
from wattmark.records.canonical import canonical, sha256_of

#: A run of a hundred setups with four executions each takes about 2 MB.
MOST_BYTES = 8 * 2**20
#: Runs nest about ten deep.
MOST_DEPTH = 40
_MOST_TOLD = 2000


def read_bundle(body: bytes) -> Bundle:
    """The bundle in a request's body. Raises RefusedError (413, 400, 422) that says what is wrong.

    Text that PostgreSQL or a browser cannot hold (NUL, half a surrogate pair) is refused.
    """
    if len(body) > MOST_BYTES:
        raise RefusedError(413, "too_large", f"a bundle has at most {MOST_BYTES} bytes")
    try:
        data = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "not_json", f"the body is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise RefusedError(422, "schema", "a bundle is a JSON object: the document of a run")
    for text in _texts(data, MOST_DEPTH):
        if not is_text(text):
            raise RefusedError(422, "bad_text", f"{text[:60]!r} has a character that is no text")
    version = data.get("schema_version")
    if version not in READABLE_VERSIONS:
        raise RefusedError(
            422,
            "schema_version",
            f"schema_version is {str(version)[:40]!r}; this board reads "
            f"{', '.join(READABLE_VERSIONS)}",
        )
    try:
        run = Run.model_validate(data)
        document = canonical(data)
    except ValidationError as error:
        raise RefusedError(422, "schema", problems_text(error)[:_MOST_TOLD]) from None
    except ValueError as error:  # rfc8785: an integer beyond 2^53
        raise RefusedError(422, "schema", f"the document has no canonical form: {error}") from None
    return Bundle(sha256_of(document), document, run)


def is_text(text: str) -> bool:
    """Whether PostgreSQL and a browser can hold it: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _texts(data: Any, depth: int) -> Iterator[str]:
    """Every string, keys included. Raises RefusedError where it is nested too deep."""
    if depth < 0:
        raise RefusedError(422, "schema", f"the document is nested over {MOST_DEPTH} deep")
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from _texts(value, depth - 1)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value, depth - 1)
