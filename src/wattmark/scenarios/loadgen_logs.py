"""LoadGen's own logs: the verdict and the figures of its detail log, the arrivals of its trace."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wattmark.assets.digest import file_sha256
from wattmark.errors import LoadgenError
from wattmark.records import LoadgenTest, LogFile

DETAIL, TRACE = "mlperf_log_detail.txt", "mlperf_log_trace.json"
#: What its verdict hangs on, in the words of its summary.
_NEEDED = {
    "result_perf_constraints_met": "performance constraints",
    "result_min_duration_met": "min duration",
    "result_min_queries_met": "min queries",
    "early_stopping_met": "early stopping",
}
_MARK = ":::MLLOG "
_SAMPLE = re.compile(
    r'"name":"Sample".*?"ph":"b".*?"sample_seq":(\d+).*?"issue_start_ns":(-?\d+),"complete_ns":(\d+)'
)


def read(folder: Path, scenario: str, mode: Literal["performance", "accuracy"]) -> LoadgenTest:
    """What LoadGen said of a test; the paths of the logs are relative to the folder.

    Raises LoadgenError where its detail log is missing or has no version.
    """
    told = _told(folder / DETAIL)
    validity = told.get("result_validity")
    because = [f"{name} not satisfied" for key, name in _NEEDED.items() if told.get(key) is False]
    because += [reason] if (reason := str(told.get("result_invalid_reason", "")).strip()) else []
    return LoadgenTest(
        scenario=scenario,
        mode=mode,
        version=str(told["loadgen_version"]),
        duration_s=0.0,
        samples=0,
        valid=None if validity is None else validity == "VALID",
        invalid_because=tuple(because) if validity == "INVALID" else (),
        early_stopping=" ".join(
            str(told.get("early_stopping_result", "")).replace("*", "").split()
        ),
        figures={
            key: float(value)
            for key, value in told.items()
            if key.startswith(("result_", "early_stopping_"))
            and isinstance(value, int | float)
            and not isinstance(value, bool)
        },
        logs=tuple(
            LogFile(path=file.name, sha256=file_sha256(file))
            for file in sorted(folder.glob("mlperf_log_*"))
            if file.stat().st_size and file.name != TRACE
        ),
    )


def _told(detail: Path) -> dict[str, Any]:
    try:
        lines = detail.read_text("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise LoadgenError(f"LoadGen left no detail log: {error}") from error
    entries = [json.loads(line[len(_MARK) :]) for line in lines if line.startswith(_MARK)]
    told = {entry["key"]: entry["value"] for entry in entries}
    if "loadgen_version" not in told:
        raise LoadgenError(f"{detail} is no detail log of LoadGen that is known here")
    return told


def arrivals(folder: Path, samples: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each sample in the order of issue: how late it was issued, and its whole latency, in ns.

    Both count from its scheduled arrival. The trace is deleted: it is large, and a copy of this.
    Raises LoadgenError where it lacks a sample.
    """
    trace = folder / TRACE
    late_ns, whole_ns = np.full(samples, -1, np.int64), np.full(samples, -1, np.int64)
    with trace.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if found := _SAMPLE.search(line):
                at, late, whole = map(int, found.groups())
                if at < samples:
                    late_ns[at], whole_ns[at] = late, whole
    if (whole_ns < 0).any():
        lacking = int((whole_ns < 0).sum())
        raise LoadgenError(f"LoadGen's trace lacks {lacking} of {samples} samples: {trace}")
    trace.unlink()
    return late_ns, whole_ns
