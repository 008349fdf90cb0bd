"""Instruments that the user has named in a settings file, `meters.yaml`.

The file stands in the user's configuration folder, or where WATTMARK_METERS says. Each of its
entries is ``name: {kind: ..., further keys}``; the kinds are found by the entry point group
``wattmark.meter_kinds``. Messages never repeat a value of the file, since one may be a secret
that does not belong there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from platformdirs import user_config_path
from pydantic import BaseModel, ValidationError

from wattmark import registry
from wattmark.contracts import Meter
from wattmark.errors import InputError, UnknownNameError
from wattmark.outside.documents import read_document

ENVIRONMENT = "WATTMARK_METERS"
MAX_BYTES = 1 << 18
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


def settings_file() -> Path:
    """Where the instruments are named; it need not exist."""
    if named := os.environ.get(ENVIRONMENT):
        return Path(named).expanduser()
    return user_config_path("wattmark", appauthor=False) / "meters.yaml"


def entries() -> dict[str, Any]:
    """The instruments of the settings file, by name, as they are written there.

    None where there is no file. Raises InputError where it cannot be read, holds something other
    than a mapping, or names an instrument in a way that no name can be, or twice, or as an
    installed meter.
    """
    path = settings_file()
    if not path.exists():
        if os.environ.get(ENVIRONMENT):
            raise InputError(f"{path}: there is no such file; {ENVIRONMENT} names it")
        return {}
    document = read_document(path, max_bytes=MAX_BYTES, empty=True).data
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError(f"{path} must be a mapping `name: {{kind: ...}}` of instruments")
    for name in document:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InputError(f"{path}: a name has letters, digits, '.', '_', '-', not {name!r:.60}")
        if name in registry.names("meter"):
            raise InputError(
                f"{path}: {name} is an installed meter; give the instrument another name"
            )
    return document


def names() -> list[str]:
    """Names of the configured instruments. Raises InputError as ``entries``."""
    return sorted(entries())


def meter(name: str) -> Meter:
    """The configured instrument of that name; it is not asked for anything yet.

    Raises UnknownNameError, and InputError that names the file, the instrument and the key.
    """
    found = entries()
    if name not in found:
        raise UnknownNameError("meter", name, [*registry.names("meter"), *found])
    place, settings = f"{settings_file()}: {name}", found[name]
    if not isinstance(settings, Mapping):
        raise InputError(f"{place}: must be a mapping of keys, such as {{kind: http-json, ...}}")
    known = registry.names("meter_kind")
    if "kind" not in settings:
        raise InputError(f"{place}: the key `kind` is missing; kinds: {', '.join(known)}")
    if settings["kind"] not in known:
        raise InputError(f"{place}: `kind` is not one that is installed; kinds: {', '.join(known)}")
    kind = registry.meter_kind(settings["kind"])
    try:
        checked = kind.settings.model_validate(settings)
    except ValidationError as error:
        raise InputError(_explained(place, kind.settings, error)) from None
    return kind.build(name, checked)


def _explained(place: str, model: type[BaseModel], error: ValidationError) -> str:
    lines = []
    keys = list(model.model_fields)
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden" and len(problem["loc"]) == 1:
            near = get_close_matches(key, keys, n=1)
            advice = f"did you mean `{near[0]}`? " if near else ""
            lines.append(f"unknown key `{key}`: {advice}known: {', '.join(keys)}")
        elif problem["type"] == "missing":
            lines.append(f"the key `{key}` is missing: {_description(model, key)}")
        else:
            text = problem["msg"].removeprefix("Value error, ")
            lines.append(f"`{key}`: {text}" if key else text)
    return f"{place}: " + "; ".join(lines)


def _description(model: type[BaseModel], key: str) -> str:
    field = model.model_fields.get(key)
    return (field.description if field else None) or "it has no default"
