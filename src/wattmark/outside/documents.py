"""Files that people write in YAML or JSON: what they say, and on which line they say it.

Plans, sites, trainings, limits and settings of instruments are read here. YAML is read as YAML
1.2's core schema reads it (``no`` and ``2026-01-01`` are text), without tags and aliases, and a
key may be given once. Nothing is constructed but dict, list, text, numbers, booleans and null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wattmark.errors import InputError

Place = tuple[str | int, ...]

MAX_DEPTH = 20
MAX_BYTES = 1 << 24
_PLAIN_TAGS = {
    "scalar": "tag:yaml.org,2002:str",
    "sequence": "tag:yaml.org,2002:seq",
    "mapping": "tag:yaml.org,2002:map",
}
_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
_CONTENT = re.compile(r"^\s*[^\s#]", re.MULTILINE)
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True)
class Document:
    """``lines`` gives the line (from 1) of each key and list item; it is empty for JSON."""

    data: Any
    lines: Mapping[Place, int] = field(default_factory=dict)


def read_document(path: Path, *, max_bytes: int = MAX_BYTES, empty: bool = False) -> Document:
    """What a file says; JSON where its name ends in ``.json``, else YAML.

    A file without content is refused, or None where ``empty`` ones are allowed. Raises InputError
    that names the file, and the line and column where it knows them.
    """
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read: {said}") from error
    if len(content) > max_bytes:
        raise InputError(f"{path}: larger than {max_bytes >> 10} KiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start})") from error
    if empty and not _CONTENT.search(text):
        return Document(None)
    parse = parse_json if path.suffix.lower() == ".json" else parse_yaml
    try:
        return parse(text)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def parse_json(text: str) -> Document:
    """Raises InputError with line and column."""
    try:
        return Document(json.loads(text, object_pairs_hook=_pairs, parse_constant=_no_constant))
    except json.JSONDecodeError as error:
        raise InputError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise InputError(f"not readable as JSON: {error}") from error


def parse_yaml(text: str) -> Document:
    """Raises InputError with line and column."""
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        context = f"{error.context}, " if error.context else ""
        raise InputError(f"{where}{context}{error.problem}") from error
    except yaml.YAMLError as error:
        raise InputError(f"not readable as YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise InputError("nested too deeply") from error
    if root is None:
        raise InputError("the file is empty")
    lines: dict[Place, int] = {}
    return Document(_value(root, (), lines, set()), lines)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise ValueError(f"key {key!r} is given twice")
        seen[key] = value
    return seen


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number that can be used")


def _value(node: Any, place: Place, lines: dict[Place, int], seen: set[int]) -> Any:
    import yaml

    mark = node.start_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}"
    lines[place] = mark.line + 1
    if id(node) in seen:
        raise InputError(f"{where}: aliases (*name) are not used here; write the value out")
    seen.add(id(node))
    if node.tag != _PLAIN_TAGS[node.id]:
        raise InputError(f"{where}: tags ({node.tag}) are not used here")
    if len(place) > MAX_DEPTH:
        raise InputError(f"{where}: nested too deeply")
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node.value) if node.style is None else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_value(n, (*place, i), lines, seen) for i, n in enumerate(node.value)]
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise InputError(f"{where}: a key must be a word")
        key, line = key_node.value, key_node.start_mark.line + 1
        if key in mapping:
            raise InputError(f"line {line}: key {key!r} is given twice")
        mapping[key] = _value(value_node, (*place, key), lines, seen)
        lines[(*place, key)] = line
    return mapping


def _scalar(text: str) -> Any:
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text
