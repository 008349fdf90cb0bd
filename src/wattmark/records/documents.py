"""Runs and results as the documents whose digests others keep: editions, boards."""

from __future__ import annotations

from typing import Any

from wattmark.records.result import Result, Run


def hashed_document(record: Run | Result) -> dict[str, Any]:
    """The record as JSON data.

    What came with schema version 4 is left out where it is empty, so that the digests of older runs
    stay what they were.
    """
    document = record.model_dump(mode="json")
    for result in document["results"] if isinstance(record, Run) else [document]:
        for energy in result["energy"]:
            if energy["comparable"] is None:
                del energy["comparable"]
    return document
