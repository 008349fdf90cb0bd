"""Checks of an exported document against the schema of its format."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from wattmark.errors import ExportError, MissingPackageError
from wattmark.factors.packaged import read_json

_CYCLONEDX = "schema/_res/"


def check_boamps(document: Any) -> str:
    """Check a BoAmps report; gives the schema's name. Raises ExportError that names the field."""
    import json

    text = (files("wattmark.exports") / "schemas" / "boamps.json").read_text(encoding="utf-8")
    _check(document, _validator(json.loads(text)), "BoAmps")
    return "BoAmps report schema (Boavizta), as transcribed in wattmark.exports"


def check_cyclonedx(document: Any) -> str:
    """Check a CycloneDX 1.6 document with the schema that cyclonedx-python-lib ships."""
    _check(document, _cyclonedx(), "CycloneDX")
    return "CycloneDX 1.6 JSON schema"


@cache
def _cyclonedx() -> Any:
    def schema(name: str) -> Any:
        return read_json("cyclonedx", f"{_CYCLONEDX}{name}.SNAPSHOT.schema.json")

    return _validator(schema("bom-1.6"), schema("spdx"), schema("jsf-0.82"))


def _validator(schema: Any, *others: Any) -> Any:
    try:
        from jsonschema.validators import validator_for
        from referencing import Registry, Resource
    except ImportError:
        raise MissingPackageError(
            "jsonschema is not installed, and an export is checked with it: "
            "pip install 'wattmark[impact]'"
        ) from None
    registry: Any = Registry()
    for other in others:
        registry = registry.with_resource(other["$id"], Resource.from_contents(other))
    return validator_for(schema)(schema, registry=registry)


def _check(document: Any, validator: Any, what: str) -> None:
    for error in validator.iter_errors(document):
        raise ExportError(f"{what}: {error.json_path}: {error.message}")
