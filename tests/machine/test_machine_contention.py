from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wattmark.machine.contention import Contention, Snapshot, between, is_contended, snapshot

SPIN = """
import os, sys, time
os.sched_setaffinity(0, [int(sys.argv[1])])
print("spinning", flush=True)
end = time.monotonic() + 5
while time.monotonic() < end: pass
"""


def fake_proc(
    root: Path, waits_ns: dict[int, int], steal_ticks: dict[int, int], pressure_us: int | None
) -> str:
    """A /proc with one process 77."""
    for thread, wait_ns in waits_ns.items():
        folder = root / "77/task" / str(thread)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "schedstat").write_text(f"1000 {wait_ns} 5\n")
    lines = [f"cpu  1 1 1 1 1 1 1 {sum(steal_ticks.values())} 0 0"]
    lines += [f"cpu{cpu} 1 1 1 1 1 1 1 {ticks} 0 0" for cpu, ticks in steal_ticks.items()]
    (root / "stat").write_text("\n".join([*lines, "intr 1 2 3", ""]))
    if pressure_us is not None:
        (root / "pressure").mkdir(exist_ok=True)
        (root / "pressure/cpu").write_text(
            f"some avg10=1.00 avg60=0.50 avg300=0.10 total={pressure_us}\n"
            "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
        )
    return str(root)


def waited(waits_ns: dict[int, int]) -> Snapshot:
    return Snapshot(waits_ns=waits_ns, cpu_s=None, steal_s=None, pressure_s=None)


def test_a_snapshot_reads_threads_steal_of_the_pinned_cores_and_pressure(tmp_path):
    proc = fake_proc(tmp_path, {77: 10, 78: 20}, {0: 100, 1: 900}, 2_500_000)
    seen = snapshot(77, cpus=[0], proc=proc)
    assert seen.waits_ns == {77: 10, 78: 20}
    assert seen.steal_s == 100 / os.sysconf("SC_CLK_TCK")
    assert seen.pressure_s == 2.5
    assert snapshot(77, proc=proc).steal_s == 1000 / os.sysconf("SC_CLK_TCK")


def test_what_the_kernel_does_not_have_is_none(tmp_path):
    seen = snapshot(77, cpus=[0, 9], proc=fake_proc(tmp_path, {}, {0: 1}, None))
    assert (seen.waits_ns, seen.steal_s, seen.pressure_s) == (None, None, None)
    nothing = between(seen, seen)
    assert (nothing.run_queue_wait_s, nothing.steal_s, nothing.pressure_s) == (None, None, None)


def test_a_kernel_without_scheduler_statistics_is_not_an_idle_one(tmp_path):
    proc = fake_proc(tmp_path, {77: 0}, {0: 0}, None)
    (tmp_path / "77/task/77/schedstat").write_text("0 0 0\n")
    assert snapshot(77, proc=proc).waits_ns is None


def test_threads_that_come_count_from_zero_and_those_that_go_are_left_out():
    before = waited({1: 1_000_000_000, 2: 5_000_000_000})
    after = waited({1: 1_500_000_000, 3: 250_000_000})
    assert between(before, after).run_queue_wait_s == 0.75


def test_a_reused_thread_id_counts_from_zero():
    assert between(waited({1: 9_000_000_000}), waited({1: 500_000_000})).run_queue_wait_s == 0.5


@pytest.mark.parametrize(
    "wait_s, steal_s, contended",
    [
        (0.11, 0.0, True),
        (0.0, 0.11, True),
        (0.10, 0.10, False),
        (None, None, False),
        (None, 0.2, True),
    ],
)
def test_contended_is_what_exceeds_its_share_of_cpu_time(wait_s, steal_s, contended):
    assert is_contended(Contention(wait_s, steal_s, 9.0), cpu_s=1.0, limit=0.1) is contended


def test_threads_that_wait_for_each_other_are_not_others():
    own = Contention(run_queue_wait_s=0.4, steal_s=0.0, pressure_s=None, others_cpu_s=0.01)
    others = Contention(run_queue_wait_s=0.0, steal_s=0.05, pressure_s=None, others_cpu_s=0.06)
    assert not is_contended(own, cpu_s=1.0, limit=0.1)
    assert is_contended(others, cpu_s=1.0, limit=0.1)


def test_a_few_ticks_tell_nothing():
    seen = Contention(run_queue_wait_s=0.0, steal_s=0.0, pressure_s=None, others_cpu_s=0.03)
    assert not is_contended(seen, cpu_s=0.1, limit=0.1)


def test_a_process_that_got_no_cpu_at_all_is_contended():
    assert is_contended(Contention(0.5, None, None), cpu_s=0.0, limit=0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="schedstat is Linux's")
def test_two_processes_on_one_core_wait_for_each_other():
    core = min(os.sched_getaffinity(0))
    spinners = [
        subprocess.Popen([sys.executable, "-S", "-c", SPIN, str(core)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        for spinner in spinners:
            assert spinner.stdout is not None and spinner.stdout.readline() == b"spinning\n"
        before = snapshot(spinners[0].pid, cpus=[core])
        time.sleep(0.3)
        seen = between(before, snapshot(spinners[0].pid, cpus=[core]))
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.communicate()
    assert seen.run_queue_wait_s is not None and seen.run_queue_wait_s > 0.02
    assert seen.cpu_s is not None and seen.cpu_s > 0
    assert seen.others_cpu_s is not None and seen.others_cpu_s > 0.02
    assert is_contended(seen, seen.cpu_s, limit=0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="schedstat is Linux's")
def test_a_process_that_has_ended_gives_none():
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    child.wait()
    seen = snapshot(child.pid)
    assert (seen.waits_ns, seen.cpu_s) == (None, None)
