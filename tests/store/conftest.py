"""A small run, as records: one trial, one round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import (
    ConversionCheck,
    EnergyWindow,
    Environment,
    ExecutionRecord,
    Failure,
    MeterReading,
    ModelInfo,
    Plan,
    Preparation,
    Result,
    Round,
    Run,
    SampleFile,
    StopReason,
    TaskInfo,
    Trial,
)
from wattmark.store.store import Store

TRIAL = "pytorch/eager/fp32"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as store:
        yield store


@pytest.fixture
def plan() -> Plan:
    return Plan.model_validate(
        {"name": "small", "task": "texts", "model": "tiny", "setups": [TRIAL, "jax/jit/fp32"]}
    )


@pytest.fixture
def environment() -> Environment:
    return Environment(
        hostname="somewhere",
        os="Linux",
        kernel="6.1",
        architecture="x86_64",
        cpu_model="A CPU",
        cpu_flags=("avx2",),
        cpu_count=2,
        cpus_allowed=(0, 1),
        memory_bytes=8 << 30,
        governor=None,
        turbo=None,
        virtualization="kvm",
        container=None,
        python="3.11.9",
        wattmark="0.1.0",
        packages={"torch": "2.6.0"},
        load_average_1min=0.5,
    )


@pytest.fixture
def begin(store: Store, plan: Plan, environment: Environment) -> Callable[..., str]:
    def begin(run_id: str = "run-1", created_at: str = "2026-01-01T00:00:00Z") -> str:
        model = ModelInfo(name="tiny", digest="a" * 64, licence="MIT")
        task = TaskInfo(
            name="texts", unit="query", metric="accuracy", samples=9, data_digest="b", licence="MIT"
        )
        store.begin(run_id, created_at, plan, model, task, environment)
        return run_id

    return begin


@pytest.fixture
def make_round() -> Callable[..., Round]:
    def make_round(index: int = 0, **changes: Any) -> Round:
        window = EnergyWindow(
            meter="modelled-cpu",
            domain="cpu",
            gross=Quantity.between(2.0, 1.0, 3.0, "J", grade=Grade.MODELLED),
            idle_subtracted=Quantity.missing("J", Reason.IDLE_NOT_MEASURED),
            before=MeterReading(time_ns=1, values={"cpu": 1.0}),
            after=MeterReading(time_ns=2, values={"cpu": 2.0}),
        )
        values: dict[str, Any] = {
            "trial": TRIAL,
            "execution": 0,
            "index": index,
            "queries": 3,
            "start_ns": 10,
            "wall_s": 0.1 + 0.2,
            "cpu_s": 0.3,
            "run_queue_wait_s": None,
            "steal_s": 0.0,
            "energy": (window,),
            "samples": SampleFile(path="samples/x/0-0-0.parquet", sha256="c" * 64, queries=3),
        }
        return Round(**(values | changes))

    return make_round


@pytest.fixture
def preparation() -> Preparation:
    return Preparation(trial=TRIAL, artefact="d" * 64, seconds=3.5, cached=False, bytes=100)


@pytest.fixture
def execution() -> ExecutionRecord:
    check = ConversionCheck(
        inputs=8,
        max_abs_difference=0.0,
        max_rel_difference=0.0,
        tolerance=1e-4,
        agreement=1.0,
        passed=True,
    )
    return ExecutionRecord(
        trial=TRIAL,
        execution=0,
        load_s=1.0,
        warm_up_queries=20,
        warm_up_s=0.4,
        steady=True,
        peak_rss_bytes=1 << 28,
        check=check,
    )


@pytest.fixture
def failure() -> Failure:
    return Failure(stage="load", reason="segfault", message="the worker died", last_output="...")


@pytest.fixture
def make_run(store: Store, failure: Failure) -> Callable[..., Run]:
    def make_run(run_id: str, stop_reason: StopReason = StopReason.NARROW) -> Run:
        recorded = store.progress(run_id)
        results = tuple(
            Result(
                trial=Trial(
                    task="texts",
                    model="tiny",
                    model_digest="a" * 64,
                    setup=setup,
                    scenario="single-stream",
                ),
                status="failed",
                failure=failure,
            )
            for setup in recorded.plan.setups
        )
        return Run(
            id=run_id,
            created_at=recorded.created_at,
            plan=recorded.plan,
            model=recorded.model,
            task=recorded.task,
            environment=recorded.environment,
            results=results,
            stop_reason=stop_reason,
            measured_s=1.0,
            prepared_s=2.0,
        )

    return make_run
