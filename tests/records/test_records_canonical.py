"""Canonical JSON and its parts: what is cut out of a document is canonical by itself."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.records.canonical import (
    canonical,
    content_digest,
    elements,
    joined,
    members,
    read_canonical,
    without,
)

ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcz_"), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abcz_"), ANY))
def test_the_members_of_an_object_are_its_parts(data: dict[str, object]) -> None:
    document = canonical(data)
    assert members(document) == {key: canonical(value) for key, value in data.items()}
    assert joined(members(document)) == document


@given(st.lists(ANY))
def test_the_elements_of_an_array_are_its_parts(data: list[object]) -> None:
    assert elements(canonical(data)) == [canonical(value) for value in data]


@given(ANY)
def test_what_is_read_is_written_the_same(data: object) -> None:
    assert canonical(read_canonical(canonical(data))) == canonical(data)


def test_a_member_is_cut_out_wherever_it_stands() -> None:
    for key in ("a", "digest", "z"):
        data = {"b": [{key: 1}], "c": {key: 2}, key: "x"}
        left = {name: value for name, value in data.items() if name != key}
        assert without(canonical(data), key) == canonical(left)
    assert without(b"{}", "digest") == b"{}"


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b'{"a": 1}', b'{"a":1,}', b'{"a":1}x', b"{ }"])
def test_what_is_no_canonical_object_has_no_members(text: bytes) -> None:
    with pytest.raises(ValueError):
        members(text)


def test_the_digest_of_content_is_what_caches_and_runs_hold_already() -> None:
    data = {"b": [1, 2.5e-7, "é"], "a": None}
    assert content_digest(data) == (
        "4d0c7a05def1d3837643e0718acf1386d54ba8cfe68b1384748ee89c5bcd183d"
    )
    assert json.loads(canonical(data)) == data
