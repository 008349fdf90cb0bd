"""Whatever bytes a file holds, a reader takes them or raises an error of Wattmark's."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wattmark.board.intake.bundle import read_bundle
from wattmark.editions.edition_files import Editions
from wattmark.editions.rating_table import columns_of, read_table
from wattmark.editions.thresholds import read_limits
from wattmark.errors import WattmarkError
from wattmark.metering.power_csv import read_power_csv
from wattmark.metering.trace_files import read_trace
from wattmark.meters.modelled.calibration_file import read_calibration
from wattmark.planning.plans import load_plan
from wattmark.planning.prompts import prompts
from wattmark.planning.suites import load
from wattmark.records import EndpointPlan
from wattmark.workflows.placing import place, read_site, read_training

EDITION = "2026-H2.json"


def verified(path: Path) -> None:
    editions = Editions(path.parent)
    editions.verify("2026-H2")
    editions.load("2026-H2")


def rated(path: Path) -> None:
    columns_of(read_table(path), "energy_wh", ["task"])


def asked(api: str) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        url = "http://127.0.0.1:9"
        prompts(EndpointPlan(url=url, api=api, model="m", concurrency=1, prompts=str(path)))

    return read


def placed(path: Path) -> None:
    place(read_site(path))


def trained(path: Path) -> None:
    read_training(path).energy_facility()


def of_table(write: Callable[[pa.Table, io.BytesIO], Any]) -> bytes:
    file = io.BytesIO()
    write(pa.table({"task": ["t"] * 3, "energy_wh": [1.0, 2.0, 3.0]}), file)
    return file.getvalue()


def of_arrays() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, x=np.arange(6.0).reshape(2, 3), y=np.array([["a"], ["b"]]))
    return file.getvalue()


ENTRY = {
    "run": "r",
    "result_sha256": "0" * 64,
    "model": "m",
    "task": "t",
    "setup": "a/b/fp32",
    "hardware": "h",
    "energy_wh": 1.5,
    "low_wh": 1.0,
    "high_wh": 2.0,
    "level": 0.95,
}
STARS = {"stars": None, "probability": None, "distance_pct": None, "unrated_reason": "few"}
FROZEN = {
    "edition_version": 3,
    "name": "2026-H2",
    "closes": "2026-12-31",
    "rule": "quintile",
    "rule_version": 1,
    "resamples": 16,
    "entries": [ENTRY],
    "stars": [STARS],
    "frozen_on": "2026-12-01",
    "digest": "0" * 64,
}
TRACE = (
    b'# wattmark-trace 1 {"period_s":0.1,"channels":[{"meter":"m","key":"k","domain":"cpu",'
    b'"unit":"uJ","grade":"metered"}]}\ntime_ns,meter,key,unit,value\n1,m,k,uJ,5.0\n'
)
CALIBRATION = {
    "measured_at": "2026-11-01T00:00:00Z",
    "machine": {"cpu_model": "c", "logical_cpus": 2, "architecture": "x86_64"},
    "source": "rapl",
    "grade": "metered",
    "domain": "cpu",
    "idle_w": {"unit": "W", "value": 3, "low": 2, "high": 4},
    "full_w": {"unit": "W", "value": 30, "low": 20, "high": 40},
}

#: Reader: the file's name, how it is read, and a file that is right or nearly so.
READERS: dict[str, tuple[str, Callable[[Path], Any], bytes]] = {
    "csv": ("t.csv", rated, b"task,energy_wh\nt,1\nt,2\n"),
    "json": ("t.json", rated, b'[{"task": "t", "energy_wh": 1}]'),
    "parquet": ("t.parquet", rated, of_table(pyarrow.parquet.write_table)),
    "edition": (EDITION, verified, json.dumps(FROZEN).encode()),
    "npz": ("p.npz", asked("oip-v2"), of_arrays()),
    "prompts": ("p.txt", asked("openai"), b"What?\nWhy?\n"),
    "jsonl": ("p.jsonl", asked("openai"), b'"What?"\n[{"role": "user", "content": "Why?"}]\n'),
    "plan": ("p.yaml", load, b"task: text-classification\nsetups: [pytorch/eager/fp32]\n"),
    "plan in JSON": ("p.json", load, b'{"task": "text-classification", "samples": 9}'),
    "site": ("s.yaml", placed, b"region: DE\npue: {value: 1.2, low: 1.1, high: 1.3}\n"),
    "training": ("t.yaml", trained, b"hardware: {hours: 3, devices: 8, power_w: 400}\n"),
    "limits": (
        "l.yaml",
        read_limits,
        b"limits_version: 1\nmost_energy_for_5_4_3_2_stars:\n  a: [1, 2, 3, 4]\n",
    ),
    "trace": ("m.trace", read_trace, TRACE),
    "trace, compressed": ("m.trace.gz", read_trace, gzip.compress(TRACE, mtime=0)),
    "power": ("p.csv", read_power_csv, b"t_s,watts\n0,50\n1,51\n2,52\n"),
    "power, compressed": ("p.csv.gz", read_power_csv, gzip.compress(b"t_s,w\n0,5\n", mtime=0)),
    "calibration": ("c.json", read_calibration, json.dumps(CALIBRATION).encode()),
    "bundle": ("b.json", lambda path: read_bundle(path.read_bytes()), b'{"schema_version": "4"}'),
}

#: What editors, disks and people put into files.
SPOILT = [
    b"\xef\xbb\xbf",
    b"\x00",
    b"\xff\xfe",
    b"nan",
    b"Infinity",
    b"-1e999",
    b"9" * 30,
    b"9" * 5000,
    b"[" * 1200,  # deeper than Python recurses; a reader of YAML takes the square of it
    b'"\\ud800"',
    b"null",
    b"&a *a",
    b"!!python/none x",
    b"? [a]: b",
    b"\r",
    b",,,",
    b'"',
]


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The file with a piece cut out and another put in, or something else altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    found = whole
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(found)))
        end = draw(st.integers(start, min(len(found), start + 20)))
        piece = draw(st.one_of(st.sampled_from(SPOILT), st.binary(max_size=6)))
        found = found[:start] + piece + found[end:]
    return found


def take(name: str, read: Callable[[Path], Any], folder: Path, content: bytes) -> None:
    """Read a file with that content; only errors that Wattmark raises on purpose are let by."""
    path = folder / name
    path.write_bytes(content)
    try:
        read(path)
    except WattmarkError as error:
        assert str(error)


@pytest.mark.parametrize("reader", READERS)
def test_any_bytes_are_read_or_refused(reader: str, tmp_path: Path) -> None:
    name, read, whole = READERS[reader]

    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(damaged(whole))
    def try_each(content: bytes) -> None:
        take(name, read, tmp_path, content)

    try_each()


@pytest.mark.parametrize("reader", READERS)
def test_files_that_are_empty_cut_off_or_spoilt_are_read_or_refused(
    reader: str, tmp_path: Path
) -> None:
    name, read, whole = READERS[reader]

    for content in (b"", whole[: len(whole) // 2], *SPOILT, *(whole + x for x in SPOILT)):
        take(name, read, tmp_path, content)
    take(name, read, tmp_path, whole)


PLAN = b"""
name: p
task: text-classification
model: minilm-l6-sentiment
setups: [pytorch/eager/fp32]
"""


@pytest.mark.parametrize("value", [b"nan", b"inf", b".nan", b"-.inf", b"1e999", b"9" * 400])
def test_a_plan_has_finite_numbers(value: bytes, tmp_path: Path) -> None:
    for key in (b"samples", b"budget_s", b"ratio_width", b"seed", b"rounds"):
        path = tmp_path / "plan.yaml"
        path.write_bytes(PLAN + key + b": " + value + b"\n")
        with pytest.raises(WattmarkError, match=key.decode()):
            load_plan(path)
