"""Read a plan file's text: what it says, and on which line it says it.

YAML is read as YAML 1.2's core schema reads it (``no`` and ``2026-01-01`` are text), without
tags and aliases, and a key may be given once. Nothing is constructed but dict, list, text,
numbers, booleans and null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wattmark.errors import PlanError

Place = tuple[str | int, ...]

MAX_DEPTH = 20
_PLAIN_TAGS = {
    "scalar": "tag:yaml.org,2002:str",
    "sequence": "tag:yaml.org,2002:seq",
    "mapping": "tag:yaml.org,2002:map",
}
_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True)
class Document:
    """``lines`` gives the line (from 1) of each key and list item; it is empty for JSON."""

    data: Any
    lines: Mapping[Place, int] = field(default_factory=dict)


def parse_json(text: str) -> Document:
    """Raises PlanError with line and column."""
    try:
        return Document(json.loads(text, object_pairs_hook=_pairs, parse_constant=_no_constant))
    except json.JSONDecodeError as error:
        raise PlanError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise PlanError(f"not readable as JSON: {error}") from error


def parse_yaml(text: str) -> Document:
    """Raises PlanError with line and column."""
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        context = f"{error.context}, " if error.context else ""
        raise PlanError(f"{where}{context}{error.problem}") from error
    except yaml.YAMLError as error:
        raise PlanError(f"not readable as YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise PlanError("nested too deeply for a plan") from error
    if root is None:
        raise PlanError("the file is empty")
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
    raise ValueError(f"{name} is not a number that a plan can use")


def _value(node: Any, place: Place, lines: dict[Place, int], seen: set[int]) -> Any:
    import yaml

    mark = node.start_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}"
    lines[place] = mark.line + 1
    if id(node) in seen:
        raise PlanError(f"{where}: aliases (*name) are not used in plans; write the value out")
    seen.add(id(node))
    if node.tag != _PLAIN_TAGS[node.id]:
        raise PlanError(f"{where}: tags ({node.tag}) are not used in plans")
    if len(place) > MAX_DEPTH:
        raise PlanError(f"{where}: nested too deeply for a plan")
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node.value) if node.style is None else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_value(n, (*place, i), lines, seen) for i, n in enumerate(node.value)]
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise PlanError(f"{where}: a key must be a word")
        key, line = key_node.value, key_node.start_mark.line + 1
        if key in mapping:
            raise PlanError(f"line {line}: key {key!r} is given twice")
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
