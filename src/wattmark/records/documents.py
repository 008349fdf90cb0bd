"""Records as the documents whose digests others keep: results, bundles, editions."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from wattmark.records.base import LEFT_OUT_IF_NONE


def hashed_document(record: BaseModel) -> dict[str, Any]:
    """The record as JSON data.

    Optional fields that are newer than their record (marked ``LEFT_OUT_IF_NONE``) are left out
    where they are None, so that the digests of older documents stay what they were.
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
