"""Runs as documents: the bytes whose digests others keep, be it editions, boards or signatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from wattmark.records.base import LEFT_OUT_IF_NONE
from wattmark.records.canonical import canonical, elements, members, sha256_of
from wattmark.records.result import Run


@dataclass(frozen=True)
class Bundle:
    """A run with the bytes that stand for it.

    ``document`` is canonical JSON (RFC 8785), ``digest`` its sha256, ``run`` what it says. The
    digest of a result is that of its part of the document.
    """

    digest: str
    document: bytes
    run: Run

    def result_document(self, id_: str) -> bytes:
        """The bytes of one result in the document, by its trial's id. Raises KeyError."""
        return self._results[id_]

    @cached_property
    def _results(self) -> Mapping[str, bytes]:
        parts = elements(members(self.document).get("results", b"[]"))
        return {result.id: part for result, part in zip(self.run.results, parts, strict=True)}


def bundle_of(run: Run) -> Bundle:
    """The bundle of a run whose document is written only now."""
    document = canonical(hashed_document(run))
    return Bundle(sha256_of(document), document, run)


def bundle_from(document: bytes) -> Bundle:
    """The bundle that was written once, as it was kept. Raises pydantic's ValidationError."""
    return Bundle(sha256_of(document), document, Run.model_validate_json(document))


def hashed_document(record: BaseModel) -> dict[str, Any]:
    """The record as the JSON data that is written for it, once, to be hashed and kept.

    Optional fields that are newer than their record (marked ``LEFT_OUT_IF_NONE``) are left out
    where they are None, so that the digests of older documents, whose bytes were not kept, stay
    what they were.
    """
    return record.model_dump(mode="json", exclude=_absent(record))


def _absent(value: Any) -> dict[Any, Any]:
    """What of a value to leave out, as ``model_dump`` takes it."""
    found: dict[Any, Any] = {}
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            its = getattr(value, name)
            if its is None:
                if LEFT_OUT_IF_NONE in field.metadata:
                    found[name] = True
            elif isinstance(its, BaseModel | tuple) and (inner := _absent(its)):
                found[name] = inner
    elif isinstance(value, tuple):
        found = {place: inner for place, each in enumerate(value) if (inner := _absent(each))}
    return found
