"""The twenty slowest tests of the last ``make test``: seconds and test.

    python scripts/slowest_tests.py build/tests/*.xml

Set-up counts, since a fixture that many share falls on the first that asks for it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

HOW_MANY = 20


def slowest(reports: list[Path]) -> list[tuple[float, str]]:
    """(seconds, test) of the slowest, slowest first, from pytest's JUnit files."""
    cases = [case for report in reports for case in ElementTree.parse(report).iter("testcase")]
    timed = [(float(c.get("time", 0)), f"{c.get('classname')}::{c.get('name')}") for c in cases]
    return sorted(timed, reverse=True)[:HOW_MANY]


def main() -> None:
    """Print them."""
    reports = [Path(argument) for argument in sys.argv[1:] if Path(argument).exists()]
    if not reports:
        sys.exit("no run to list: `make test` leaves its times in build/tests")
    for seconds, test in slowest(reports):
        print(f"{seconds:8.1f} s  {test}")


if __name__ == "__main__":
    main()
