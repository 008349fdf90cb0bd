"""Runs of the fake plug-in that stop or are stopped, and what time limits do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fake_plans import plan

import wattmark
from wattmark.records import StopReason
from wattmark.store import Store
from wattmark.workflows import runs

# alone: they stop processes in mid-run, and time limits are theirs
pytestmark = [pytest.mark.usefixtures("fake_plugin"), pytest.mark.slow, pytest.mark.alone]


def test_a_worker_that_hangs_is_stopped() -> None:
    done = wattmark.run(plan(["right", "hang"], hang_timeout_s=8))

    assert done.results[0].status == "ok"
    assert done.results[1].failure is not None
    assert done.results[1].failure.reason == "hang"


SCRIPT = """
import sys, wattmark
plan = dict(name="fake", task="fake-task", model="fake-model", samples=3000, rounds=90,
            setups=["fake/right/fp32", "fake/double/fp32"], executions=2,
            budget_s=60, ratio_width=0.9)
run = wattmark.run(plan)
print(run.id, run.stop_reason)
"""


def _wait_for_rounds(count: int) -> str:
    """Wait until the store of the run that goes on in another process has some rounds."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with Store.open() as store:
            stored = store.runs()
            if stored and len(store.progress(stored[0].id).rounds) >= count:
                return stored[0].id
        time.sleep(0.02)
    raise AssertionError("the run did not get going")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_stopped_run_keeps_what_it_measured_and_can_be_finished(
    how: signal.Signals, tmp_path: Path
) -> None:
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], env=os.environ)
    run_id = _wait_for_rounds(7)
    process.send_signal(how)
    process.wait()
    with Store.open() as store:
        before = store.progress(run_id).rounds

    done = runs.resume(run_id)

    assert len(before) >= 7
    assert done.stop_reason in (StopReason.NARROW, StopReason.BUDGET)
    assert all(r.queries >= 3000 for r in done.results)
    with Store.open() as store:
        after = store.progress(run_id).rounds
    assert after[: len(before)] == before


def test_workers_die_with_their_conductor() -> None:
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], env=os.environ)
    _wait_for_rounds(3)
    children = _descendants(process.pid)
    process.kill()
    process.wait()

    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def _descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found
