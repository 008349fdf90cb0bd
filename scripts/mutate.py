"""Would a test notice? Change one thing in a room's code, run that room's tests, count.

    python scripts/mutate.py --room statistics --number 14 --seed 0

Each mutation is made in a copy of the tree, never here. The places are drawn evenly over those of
a room (a place with many possible mutations counts once), so a seed always gives the same sample
of the same code. The room's fast tests are run once as they are, which says what test reaches what
line; a mutation is tried with the tests that reach its line, or with all where none is known to. A
mutation that no test noticed is printed with its file, line and difference: either a test is
missing, or the mutation changes nothing that anyone could see.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast, is_number
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator
from parso.python.tree import Number

ROOT = Path(__file__).parent.parent
PACKAGE = Path("src/wattmark")

# A room of the package -> the tests that answer for it (those of them that there are).
ROOMS = {
    "statistics": ["tests/statistics"],
    "rating": ["tests/rating"],
    "impact": ["tests/impact"],
    "quantities": ["tests/test_quantities.py", "tests/test_quantities_units.py"],
    "units": ["tests/test_quantities.py", "tests/test_quantities_units.py"],
    "metrology": ["tests/metrology"],
    "records": ["tests/records", "tests/planning", "tests/results", "tests/store"],
    "results": ["tests/results"],
    "exports": ["tests/exports"],
    "cli": ["tests/cli"],
}

# Swaps that a person could make by mistake; a sum that becomes a bit shift fails by itself.
_BINARY = "Add_Sub Sub_Add Mul_Div Div_Mul FloorDiv_Mul Mod_FloorDiv Pow_Mul BitOr_BitAnd"
_COMPARISON = (
    "Lt_LtE Lt_GtE LtE_Lt LtE_Gt Gt_GtE Gt_LtE GtE_Gt GtE_Lt Eq_NotEq NotEq_Eq Is_IsNot IsNot_Is"
)
_UNARY = "USub_UAdd Delete_USub Delete_Not"
OPERATORS = [
    *(f"core/ReplaceBinaryOperator_{swap}" for swap in _BINARY.split()),
    *(f"core/ReplaceComparisonOperator_{swap}" for swap in _COMPARISON.split()),
    *(f"core/ReplaceUnaryOperator_{swap}" for swap in _UNARY.split()),
    "core/AddNot",
    "core/ReplaceTrueWithFalse",
    "core/ReplaceFalseWithTrue",
    "core/ReplaceAndWithOr",
    "core/ReplaceOrWithAnd",
    "core/ReplaceBreakWithContinue",
    "core/ReplaceContinueWithBreak",
    "core/ExceptionReplacer",
    "core/ZeroIterationForLoop",
]
# Keyword arguments that guard against mistakes in code and change no result.
_GUARDS = {"frozen", "slots", "kw_only", "strict", "repr", "indent"}


class OtherNumber(Operator):  # type: ignore[misc]
    """A small whole number becomes the next one, any other number twice itself.

    One more than 3.6e6 joules in a kilowatt-hour would be a fault that no test need see.
    """

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Where the numbers stand."""
        if is_number(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The other number in its place."""
        value = ast.literal_eval(node.value)
        small = isinstance(value, int) and value < 10
        other = value + 1 if small or value == 0 else value * 2
        return Number(repr(other), node.start_pos, node.prefix)

    @classmethod
    def examples(cls) -> tuple[()]:
        """Asked for by the library; none."""
        return ()


@dataclass(frozen=True)
class Mutation:
    """One change of one file."""

    file: Path  # relative to the root
    line: int
    code: str  # the whole mutated file
    operator: str

    def difference(self) -> str:
        """The lines that the mutation changes, with none around."""
        before = (ROOT / self.file).read_text().splitlines()
        lines = difflib.unified_diff(before, self.code.splitlines(), n=0, lineterm="")
        return "\n".join(f"    {line}" for line in list(lines)[3:])


def _without_effect(tree: ast.Module) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Regions, from (line, column) to (line, column), where a change does nothing when run."""
    for node in ast.walk(tree):
        regions: list[ast.expr | ast.stmt | None] = []
        if isinstance(node, ast.arg | ast.AnnAssign):
            regions.append(node.annotation)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            regions.append(node.returns)
        if isinstance(node, ast.keyword) and node.arg in _GUARDS:
            regions.append(node.value)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.args.kwonlyargs:
            yield from _star(node)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield (node.lineno, 0), (node.end_lineno or 0, node.end_col_offset or 0)
        if isinstance(node, ast.Assign) and "__all__" in map(ast.unparse, node.targets):
            regions.append(node.value)
        for region in regions:
            if region is not None:
                end = (region.end_lineno or 0, region.end_col_offset or 0)
                yield (region.lineno, region.col_offset), end


def _star(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """The lone ``*`` of a signature: with ``/`` in its place callers by name still succeed."""
    before = [*node.args.posonlyargs, *node.args.args, *node.args.defaults]
    after = node.args.kwonlyargs[0]
    if node.args.vararg is None:
        last = before[-1] if before else None
        start = (last.end_lineno or 0, last.end_col_offset or 0) if last else (node.lineno, 0)
        yield start, (after.lineno, after.col_offset)


def _operators() -> Iterator[tuple[str, Operator]]:
    yield "OtherNumber", OtherNumber()
    for name in OPERATORS:
        yield name, get_operator(name)()


def places(file: Path) -> list[tuple[Path, tuple[int, int], list[tuple[str, Operator, int]]]]:
    """Where a file can be mutated, and how: file, (line, column), (name, operator, occurrence)."""
    source = (ROOT / file).read_text()
    inert = list(_without_effect(ast.parse(source)))
    tree = get_ast(source)
    found: dict[tuple[int, int], list[tuple[str, Operator, int]]] = {}
    for name, operator in _operators():
        occurrence = 0
        for node in ast_nodes(tree):
            for start, _ in operator.mutation_positions(node):
                if not any(low <= start < high for low, high in inert):
                    found.setdefault(start, []).append((name, operator, occurrence))
                occurrence += 1
    return [(file, start, ways) for start, ways in sorted(found.items())]


def sample(room: str, number: int, seed: int) -> list[Mutation]:
    """So many mutations of a room, the same for the same seed and code."""
    top = ROOT / PACKAGE / room
    files = sorted(top.rglob("*.py")) if top.is_dir() else [top.with_suffix(".py")]
    everywhere = [place for file in files for place in places(file.relative_to(ROOT))]
    draw = random.Random(f"{room} {seed}")
    draw.shuffle(everywhere)
    taken: list[Mutation] = []
    for file, (line, _), ways in everywhere:
        name, operator, occurrence = draw.choice(ways)
        source = (ROOT / file).read_text()
        code = mutate_code(source, operator, occurrence)
        if code is not None and _differs(source, code):
            taken.append(Mutation(file, line, code, name.removeprefix("core/")))
        if len(taken) == number:
            break
    return taken


def _differs(source: str, code: str) -> bool:
    """Whether the mutated file is Python, and not the same program written otherwise."""
    try:
        return ast.dump(ast.parse(code)) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


def copy_tree(to: Path) -> None:
    """What the tests need, as it stands here (committed or not)."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name, follow_symlinks=False)


def tests_of(room: str) -> list[str]:
    """The tests that answer for a room."""
    return [test for test in ROOMS[room] if (ROOT / test).exists()]


def run_tests(tree: Path, arguments: list[str], limit_s: float) -> tuple[bool, str]:
    """Whether these fast tests fail in this tree (or hang), and what they said."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow", "--no-header"]
    environment = os.environ | {
        "PYTHONPATH": str(tree / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # most take seconds to import
    }
    run = subprocess.Popen(
        [*command, "-p", "no:cacheprovider", "-p", "pytest_timeout", *arguments],
        cwd=tree,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = run.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        return True, "the tests hung"
    return run.returncode != 0, said


def reaching(tree: Path, room: str) -> dict[tuple[str, int], list[str]]:
    """(file, line) -> the tests that run it, where only tests do; the tests must succeed."""
    report = tree / "reaching.json"
    watched = ["--cov=src/wattmark", "--cov-context=test", "--cov-report="]
    failing, said = run_tests(tree, [*watched, "-p", "pytest_cov", *tests_of(room)], limit_s=1800)
    if failing:
        sys.exit(f"mutate: the tests of {room} fail before anything is mutated:\n{said[-2000:]}")
    command = [sys.executable, "-m", "coverage", "json", "-q", "--show-contexts", "-o", report]
    subprocess.run(command, cwd=tree, check=True)
    files = json.loads(report.read_text())["files"]
    return {
        (name, int(line)): sorted({context.rpartition("|")[0] for context in contexts})
        for name, file in files.items()
        for line, contexts in file["contexts"].items()
        if contexts and "" not in contexts
    }


def _room(room: str, number: int, seed: int, trees: SimpleQueue[Path], jobs: int) -> str:
    """Mutate one room; returns its line of the table."""
    tree = trees.get()
    started = time.monotonic()
    reached_by = reaching(tree, room)
    taken_s = time.monotonic() - started
    trees.put(tree)

    def noticed(mutation: Mutation) -> bool:
        tree = trees.get()
        file, asked = tree / mutation.file, tree / "asked"
        tests = reached_by.get((str(mutation.file), mutation.line), tests_of(room))
        asked.write_text("\n".join(tests))
        try:
            file.write_text(mutation.code)
            return run_tests(tree, [f"@{asked}"], limit_s=30 + 5 * taken_s)[0]
        finally:
            file.write_text((ROOT / mutation.file).read_text())
            trees.put(tree)

    mutations = sample(room, number, seed)
    with ThreadPoolExecutor(jobs) as pool:
        outcomes = list(pool.map(noticed, mutations))
    for mutation, outcome in zip(mutations, outcomes, strict=True):
        if not outcome:
            print(f"not noticed: {mutation.file}:{mutation.line} ({mutation.operator})")
            print(mutation.difference(), flush=True)
    return f"{room:12} {sum(outcomes):4} of {len(mutations):4} noticed"


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, mutate, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--room", choices=[*ROOMS, "all"], default="all")
    parser.add_argument("--number", type=int, default=14, help="mutations of each room")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="mutations tried at a time")
    asked = parser.parse_args(arguments)
    rooms = list(ROOMS) if asked.room == "all" else [asked.room]
    with tempfile.TemporaryDirectory(prefix="wattmark-mutate-") as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(asked.jobs):
            tree = Path(folder) / str(number)
            copy_tree(tree)
            trees.put(tree)
        lines = [_room(room, asked.number, asked.seed, trees, asked.jobs) for room in rooms]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
