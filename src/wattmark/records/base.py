"""What all records share: they are frozen and versioned.

The history of ``SCHEMA_VERSION``:

* ``1``: first version.
* ``2``: setups have a device, a batch and options; phases of a query; further metrics; the time
  of preprocessing. A run of version 1 is read as one of version 2: all that is new has a default.
* ``3``: energy allocated at idle, flags and power samples of windows, power at idle; two reason
  codes have other names. Runs of versions 1 and 2 are read: all that is new has a default.
* ``4``: energies that share a scale have an interval for comparisons. Older runs are read as such
  whose energies share none.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

SCHEMA_VERSION = "4"
#: Versions that this Wattmark reads: what is new in a version has a default.
READABLE_VERSIONS = ("1", "2", "3", "4")


#: On an optional field that came after documents with digests: where it is None, they are without
#: it (:func:`wattmark.records.hashed_document`).
LEFT_OUT_IF_NONE = "left out of hashed documents where it is None"


class Record(BaseModel):
    """Base of all records: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def problems_text(error: ValidationError) -> str:
    """What is wrong with a record, field by field, without pydantic's own words around it."""
    return "; ".join(
        ": ".join([*map(str, e["loc"]), e["msg"].removeprefix("Value error, ")])
        for e in error.errors()
    )
