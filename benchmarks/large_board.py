"""A large board for the benchmarks: results of 11 tasks on 9 machines, in two editions.

The tasks are Wattmark's own. Each has some 180 models, measured with five or six setups each on
every machine, so that 100 000 results are 99 populations of about 1 000. Half of them, those of
four machines and a half, are in an edition that is frozen; the open one has them all. Energies,
qualities and latencies are drawn, intervals are as wide as the meters' usually are, one result in
fifty has no energy and one in twelve misses its quality gate. What a bundle's document would be is
replaced by a line, since no page of a leaderboard reads it.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from sqlalchemy import insert, select

from wattmark import registry
from wattmark.board.shelf import standings, tables, times
from wattmark.board.shelf.database import Database
from wattmark.editions.edition import closing_date
from wattmark.errors import BoardError
from wattmark.records.canonical import canonical

#: Machine -> how its energy is obtained, mostly.
MACHINES = {
    "AMD EPYC 7763": "modelled",
    "AMD EPYC 9654": "counted",
    "AMD Ryzen 9 7950X": "counted",
    "Intel Xeon Platinum 8480+": "counted",
    "Intel Core i7-13700H": "counted",
    "Ampere Altra Max": "modelled",
    "NVIDIA GeForce RTX 4090": "counted",
    "NVIDIA H100 80GB HBM3": "metered",
    "NVIDIA L4": "metered",
}
SETUPS = (
    "pytorch/eager/fp32",
    "pytorch/compile/fp32",
    "pytorch/compile/bf16",
    "pytorch/eager/int8-dynamic",
    "pytorch/eager/int4-weight-only",
    "onnxruntime/cpu/fp32",
    "onnxruntime/cpu/int8-dynamic",
    "openvino/cpu/fp32",
    "openvino/cpu/int8-static",
    "jax/jit/fp32",
    "tensorflow/graph/fp32",
    "tensorflow/xla/fp32",
    "keras/graph/fp32",
    "llamacpp/cpu/int4-weight-only",
)
_ROWS_AT_ONCE = 5000


def fill(database: Database, results: int) -> tuple[str, str]:
    """Put so many results on an empty board: the names of the frozen and of the open edition.

    Raises BoardError where the board is not empty.
    """
    newest = standings.half_year(times.today())
    year, half = int(newest[:4]), newest[-1]
    before = f"{year}-H1" if half == "2" else f"{year - 1}-H2"
    rows = list(_rows(results))
    with database.writing() as connection:
        if connection.scalar(select(tables.results.c.id).limit(1)) is not None:
            raise BoardError("this board has results already: the benchmark fills an empty one")
        for table, made in ((tables.bundles, _bundles(rows)), (tables.results, rows)):
            for start in range(0, len(made), _ROWS_AT_ONCE):
                connection.execute(insert(table), made[start : start + _ROWS_AT_ONCE])
        kept = [dict(r) for r in connection.execute(select(tables.results)).mappings()]
        standings.open_edition(connection, before, by="benchmark")
        standings.fill(connection, before, kept[: results // 2])
        standings.freeze(connection, before, closing_date(before), by="benchmark")
        standings.open_edition(connection, newest, by="benchmark")
        standings.fill(connection, newest, kept[results // 2 :])
    return before, newest


def _rows(results: int) -> Iterator[dict[str, Any]]:
    """Rows of ``board_results``, machine by machine."""
    rng = np.random.default_rng(7)
    tasks = registry.names("task")
    models = max(1, round(results / (len(tasks) * len(MACHINES) * 5.5)))
    per_model = itertools.cycle((5, 6))
    made = 0
    for machine, task, model in itertools.product(MACHINES, tasks, range(models)):
        size = float(np.exp(np.random.default_rng(model).normal(0.0, 1.2)))
        for setup in rng.choice(SETUPS, next(per_model), replace=False):
            if made == results:
                return
            yield _row(
                rng, made, task, f"org-{model % 40}/{task}-model-{model}", setup, machine, size
            )
            made += 1


def _row(
    rng: np.random.Generator,
    number: int,
    task: str,
    model: str,
    setup: str,
    machine: str,
    size: float,
) -> dict[str, Any]:
    framework, _, precision = setup.split("/")
    energy = 2e-4 * size * float(rng.lognormal(0.0, 0.5))
    grade = MACHINES[machine] if rng.random() < 0.95 else "modelled"
    wide = {"metered": 1.02, "counted": 1.05, "modelled": 2.5}[grade]
    quality, latency = float(rng.uniform(0.55, 0.95)), 12 * size * float(rng.lognormal(0.0, 0.3))
    has_energy = rng.random() > 0.02
    run_id = f"20260301-{hashlib.sha256(f'{machine} {model}'.encode()).hexdigest()[:16]}"
    return {
        "sha256": hashlib.sha256(f"{number}".encode()).hexdigest(),
        "bundle": hashlib.sha256(_document(run_id)).hexdigest(),
        "run_id": run_id,
        "measured_at": "2026-03-01T12:00:00Z",
        "task": task,
        "model": model,
        "model_digest": hashlib.sha256(model.encode()).hexdigest(),
        "model_class": "",
        "setup": setup,
        "framework": framework,
        "precision": precision,
        "hardware": machine,
        "grade": grade,
        "gate_passed": bool(rng.random() > 1 / 12),
        "quality_metric": registry.task(task).metric,
        "quality_text": f"{quality:.3f}",
        "quality": quality,
        "quality_low": quality - 0.02,
        "quality_high": quality + 0.02,
        "energy_wh": energy if has_energy else None,
        "energy_wh_low": energy / wide if has_energy else None,
        "energy_wh_high": energy * wide if has_energy else None,
        "energy_level": 0.95 if has_energy else None,
        "energy_missing": None if has_energy else "no_meter",
        "latency_p50_ms": latency,
        "latency_p50_ms_low": latency * 0.98,
        "latency_p50_ms_high": latency * 1.02,
        "energy_per_correct_wh": energy / quality if has_energy else None,
    }


def _bundles(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The bundles that the rows name, as accepted ones."""
    by_digest: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_digest.setdefault(row["bundle"], []).append(row)
    now = times.now()
    return [
        {
            "digest": digest,
            "status": "accepted",
            "submitted_at": now,
            "submitted_by": "benchmark",
            "run_id": its[0]["run_id"],
            "task": its[0]["task"],
            "model": its[0]["model"],
            "results": len(its),
            "document": _document(its[0]["run_id"]),
            "findings": [],
            "decided_at": now,
            "decided_by": "benchmark",
        }
        for digest, its in by_digest.items()
    ]


def _document(run_id: str) -> bytes:
    return canonical({"id": run_id})
