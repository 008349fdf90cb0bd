"""How much of each room the tests run: lines and branches, and the floor under it.

    python scripts/coverage_by_room.py            # the table; exit status 1 under a floor
    python scripts/coverage_by_room.py --propose  # floors two points under what was reached

Reads ``.coverage``, which the test run has left, and fails where a room
is under its floor in ``[tool.wattmark.coverage-floors]`` of ``pyproject.toml``, or the whole is. A
room that is not named there has the floor of ``other``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = Path("src/wattmark")
MARGIN = 2.0


@dataclass
class Covered:
    """How many lines and branches there are, and how many of them were run."""

    lines: int = 0
    lines_run: int = 0
    branches: int = 0
    branches_run: int = 0

    def add(self, summary: dict[str, int]) -> None:
        """Count a file in."""
        self.lines += summary["num_statements"]
        self.lines_run += summary["covered_lines"]
        self.branches += summary["num_branches"]
        self.branches_run += summary["covered_branches"]

    @property
    def percent(self) -> float:
        """Lines and branches that were run, of all: as coverage counts its own."""
        there = self.lines + self.branches
        return 100 * (self.lines_run + self.branches_run) / there if there else 100.0


def room_of(file: str) -> str:
    """The folder of the package that a file lies in; a file beside the folders is its own room."""
    return Path(file).relative_to(PACKAGE).parts[0]


def by_room(files: dict[str, dict[str, dict[str, int]]]) -> dict[str, Covered]:
    """Room -> what of it was run, and "whole" for all together, from coverage's JSON report."""
    rooms: dict[str, Covered] = defaultdict(Covered)
    for file, measured in sorted(files.items()):
        rooms[room_of(file)].add(measured["summary"])
        rooms["whole"].add(measured["summary"])
    rooms["whole"] = rooms.pop("whole", Covered())  # last
    return rooms


def table(rooms: dict[str, Covered], floors: dict[str, float]) -> tuple[list[str], list[str]]:
    """The lines to print, and the rooms that are under their floor."""
    lines = [f"{'room':24} {'lines':>13} {'branches':>13} {'run':>6} {'floor':>6}"]
    under = []
    for room, covered in rooms.items():
        floor = floors.get(room, floors["other"])
        lines.append(
            f"{room:24} {covered.lines_run:6}/{covered.lines:6} "
            f"{covered.branches_run:6}/{covered.branches:6} {covered.percent:5.1f}% {floor:5.1f}%"
        )
        if covered.percent < floor:
            under.append(room)
    return lines, under


def proposed(rooms: dict[str, Covered]) -> list[str]:
    """Floors for ``pyproject.toml``: ``MARGIN`` points under what each room reached."""
    floors = {room: max(0.0, covered.percent - MARGIN) for room, covered in rooms.items()}
    floors["other"] = floors["whole"]
    return [f'"{room}" = {floor:.1f}' for room, floor in floors.items()]


def main() -> None:
    """Print the table; exit with 1 where a floor is not reached."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "coverage", "json", "-q", "-o", report]
        subprocess.run(command, cwd=ROOT, check=True)
        files = json.loads(report.read_text())["files"]
    rooms = by_room(files)
    if "--propose" in sys.argv:
        print("\n".join(proposed(rooms)))
        return
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines, under = table(rooms, settings["tool"]["wattmark"]["coverage-floors"])
    print("\n".join(lines))
    if under:
        sys.exit(f"coverage: under its floor: {', '.join(under)}. Test what is new, or what it was")


if __name__ == "__main__":
    main()
