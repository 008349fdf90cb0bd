from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wattmark.machine import process_tree

SPINNER = "import time\nprint('up', flush=True)\nwhile True: time.process_time()"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-S", "-E", "-c", {SPINNER!r}])
try:
    sys.stdin.read()
finally:
    child.kill()
    child.wait()
"""


def fake_proc(root: Path, parents: dict[int, int], *, by_task: bool) -> Path:
    for pid, parent in parents.items():
        folder = root / str(pid)
        (folder / "task" / str(pid)).mkdir(parents=True)
        (folder / "stat").write_text(f"{pid} (a (strange) name) S {parent} 0 0 0\n")
        if by_task:
            ours = " ".join(str(p) for p, q in parents.items() if q == pid)
            (folder / "task" / str(pid) / "children").write_text(ours)
    (root / "meminfo").write_text("")
    return root


@pytest.mark.parametrize("by_task", [True, False], ids=["task/children", "scan"])
def test_descendants_of_a_process_are_found_at_any_depth(tmp_path, by_task):
    parents = {1: 0, 10: 1, 11: 10, 12: 10, 13: 12, 20: 1}
    proc = fake_proc(tmp_path, parents, by_task=by_task)
    assert process_tree.descendants(10, proc) == [11, 12, 13]
    assert process_tree.descendants(20, proc) == []


def test_a_live_grandchild_is_counted():
    with subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        first, own = process_tree.cpu_s(), time.process_time()
        deadline = time.monotonic() + 30
        while process_tree.cpu_s() - first < 0.2 and time.monotonic() < deadline:
            time.sleep(0.02)
        counted = process_tree.cpu_s() - first
        alone = time.process_time() - own
        assert parent.pid in process_tree.descendants(os.getpid())
        parent.communicate()
    assert counted >= 0.2
    assert counted > alone


def test_cpu_time_does_not_fall_when_children_end():
    seen = [process_tree.cpu_s()]
    child = subprocess.Popen([sys.executable, "-S", "-E", "-c", SPINNER], stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.1)
        seen.append(process_tree.cpu_s())
        child.kill()
    seen.append(process_tree.cpu_s())
    assert seen == sorted(seen)


def test_asking_for_children_leaves_them_to_their_owner():
    with subprocess.Popen([sys.executable, "-S", "-E", "-c", "raise SystemExit(7)"]) as child:
        deadline = time.monotonic() + 30
        while not process_tree.has_children() and time.monotonic() < deadline:
            time.sleep(0.01)
        process_tree.cpu_s()
        assert child.wait() == 7


HOLDS = """
from wattmark.machine import process_tree
before = process_tree.resident_bytes()
held = bytearray(b"x") * (64 * 1024**2)
print(process_tree.resident_bytes() - before, len(held))
"""


def test_resident_memory_grows_with_what_is_held():
    # in a process of its own: here freed memory may be used again, and children may end meanwhile
    command = [sys.executable, "-c", HOLDS]
    grown, held = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(grown) > 32 * 1024**2
    assert int(held) == 64 * 1024**2
