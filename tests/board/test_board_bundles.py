"""A bundle is read whole or refused with the reason; its digest is that of its canonical form."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from boards import a_run
from hypothesis import given
from hypothesis import strategies as st

from wattmark.board.intake.bundle import MOST_BYTES, read_bundle
from wattmark.errors import RefusedError
from wattmark.records import bundle_of


def document(**changes: Any) -> dict[str, Any]:
    return json.loads(bundle_of(a_run()).document) | changes


def test_two_writings_of_a_document_are_one_bundle() -> None:
    run = a_run()
    written = json.dumps(document(), indent=4, sort_keys=True).encode()

    found = read_bundle(written)

    assert found == bundle_of(run)
    assert found.digest == hashlib.sha256(found.document).hexdigest()
    assert found.run == run


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
        (b"[" * 100_000, 400, "not JSON"),
        (b'{"value": NaN}', 400, "NaN is no number"),
        (b"[]", 422, "JSON object"),
        (b"{}", 422, "schema_version is 'None'"),
        (b" " * (MOST_BYTES + 1), 413, "at most"),
    ],
    ids=["empty", "binary", "deep", "nan", "list", "bare", "large"],
)
def test_what_is_no_run_is_refused(body: bytes, status: int, said: str) -> None:
    with pytest.raises(RefusedError, match=said) as refused:
        read_bundle(body)
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema_version": "99"}, "this board reads 1, 2, 3"),
        ({"extra": 1}, "extra"),
        ({"results": "none"}, "results"),
        ({"id": "a\0b"}, "no text"),
        ({"id": "\ud800"}, "no text"),
        ({"measured_s": 2**60}, "no canonical form"),
    ],
    ids=["version", "extra key", "type", "nul", "half a pair", "large integer"],
)
def test_a_document_that_cannot_be_kept_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(RefusedError, match=said) as refused:
        read_bundle(json.dumps(document(**change)).encode())
    assert refused.value.status == 422


def test_nesting_without_end_is_refused() -> None:
    deep: Any = "x"
    for _ in range(60):
        deep = [deep]
    with pytest.raises(RefusedError, match="nested"):
        read_bundle(json.dumps(document(plan=deep)).encode())


@given(st.binary(max_size=200))
def test_no_body_raises_anything_else(body: bytes) -> None:
    with pytest.raises(RefusedError):
        read_bundle(body)
