"""How the source is laid out: rooms, sizes, names, and no circle of imports."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "wattmark"
FILES = sorted(file for file in SOURCE.rglob("*.py"))
MOST_LINES = 350

#: Rooms whose names repeat those of others by design: a verb of the command line is called as what
#: it does in the room below it; a record as what makes it; a resource of the board has its
#: route, its page and its rows under one name.
NAMED_AFTER_OTHERS = {"cli", "records", "board/api"}

#: Names that a format has by itself: what writes it is called so in each room that writes some.
FORMATS = {"csv", "json"}


def module_of(file: Path) -> str:
    parts = file.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.Module, modules: set[str]) -> Iterator[str]:
    """Every module that is named in an import, wherever it stands, for types only too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module in modules:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules else node.module


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """One circle in the graph, as the nodes on it; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_no_circle_of_imports() -> None:
    modules = {module_of(file) for file in FILES}
    graph = {
        module_of(file): set(imported(ast.parse(file.read_text()), modules)) - {module_of(file)}
        for file in FILES
    }
    assert sum(map(len, graph.values())) > 1000  # it reads what is there
    assert not circle(graph)


def test_a_circle_would_be_seen() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
    tree = ast.parse("if TYPE_CHECKING:\n    from wattmark.a import b\nimport os")
    assert list(imported(tree, {"wattmark.a", "wattmark.a.b"})) == ["wattmark.a.b"]


@pytest.mark.parametrize("room", sorted({file.parent for file in FILES}), ids=module_of)
def test_every_room_says_what_lives_there(room: Path) -> None:
    said = ast.get_docstring(ast.parse((room / "__init__.py").read_text()))
    assert said and len(said.split()) >= 3


def test_no_file_is_longer_than_can_be_read_at_once() -> None:
    lines = {str(f.relative_to(SOURCE)): len(f.read_text().splitlines()) for f in FILES}
    assert not {name: count for name, count in lines.items() if count > MOST_LINES}


def test_no_module_has_the_name_of_one_in_the_room_beside_it() -> None:
    rooms: dict[tuple[str, Path], set[str]] = defaultdict(set)
    for file in FILES:
        room = file.parent.relative_to(SOURCE).as_posix()
        by_design = room in NAMED_AFTER_OTHERS or file.stem in {"__init__", *FORMATS}
        if not by_design:
            rooms[file.stem, file.parent.parent].add(room)
    twice = {name: found for (name, _), found in rooms.items() if len(found) > 1}
    assert not twice
