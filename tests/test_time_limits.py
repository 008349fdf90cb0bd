"""No test can hang a run: what waits for ever is ended, named, and shown where it stands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CONFIGURATION = Path(__file__).parent.parent / "pyproject.toml"
WAITS = """
import collections
import itertools
import threading

def test_that_waits_for_an_event():
    threading.Event().wait()

def test_that_waits_outside_of_the_interpreter():
    collections.deque(itertools.repeat(0), maxlen=0)  # holds it for ever: no handler can run

def test_beside_them():
    pass
"""


def ended(tmp_path: Path, test: str, *limits: str) -> str:
    """What a run says with short limits; this test's own limit would end it if theirs did not."""
    (tmp_path / "test_waits.py").write_text(WAITS)
    command = [sys.executable, "-m", "pytest", "-c", CONFIGURATION, f"--rootdir={tmp_path}"]
    plugins = ["-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:playwright", "-n", "1"]
    options = [option for limit in limits for option in ("-o", limit)]
    done = subprocess.run(
        [*command, *plugins, *options, "-k", f"{test} or beside", "test_waits.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    return done.stdout + done.stderr


def test_a_test_that_waits_fails_by_its_name_and_the_others_go_on(tmp_path: Path) -> None:
    said = ended(tmp_path, "an_event", "timeout=1")
    assert "1 failed, 1 passed" in said
    assert "FAILED test_waits.py::test_that_waits_for_an_event - Failed: Timeout" in said
    assert "threading.Event().wait()" in said


def test_a_test_that_no_signal_reaches_ends_its_process_with_the_stack(tmp_path: Path) -> None:
    said = ended(tmp_path, "outside", "timeout=1", "faulthandler_timeout=2")
    assert "test_waits.py::test_that_waits_outside_of_the_interpreter" in said
    assert "in test_that_waits_outside_of_the_interpreter" in said  # the stack
    assert "1 failed, 1 passed" in said
