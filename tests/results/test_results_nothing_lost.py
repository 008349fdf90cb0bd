"""After measuring, nothing loses what was measured, however odd the readings were.

Rounds of readings that are odd but possible (below zero by noise, of no width, missing, of two
instruments, in no time) go the whole way: results, stars, reports, exports, impact, store, edition
and board. A figure is known or missing for a reason; nobody raises.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rounds_with_samples import Right, a_round, samples
from synthetic_run import BASELINE, make_result, make_run, make_setup

from wattmark import registry
from wattmark.board.intake.entries import rows_of
from wattmark.board.intake.plausibility import findings
from wattmark.conduct.recorder import Recorded, Samples
from wattmark.contracts import Reported
from wattmark.editions import edition_files
from wattmark.editions.edition_files import Editions
from wattmark.errors import ExportError
from wattmark.exports import Subject, export
from wattmark.impact import assess
from wattmark.impact.site import Site
from wattmark.metrology.counters import window_without_idle
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.rating import rate_results
from wattmark.records import (
    ComparableEnergy,
    EnergyWindow,
    IdlePower,
    IdleRecord,
    MeterReading,
    PhaseEnergy,
    PhaseWindow,
    Plan,
    Round,
    Run,
    Trial,
    bundle_of,
)
from wattmark.results import summary
from wattmark.results.idle_powers import IdlePowers
from wattmark.results.summary import summarise
from wattmark.workflows.placing import place, use_of

OTHER = "jax/jit/fp32"
PLAN = Plan.model_validate(
    {
        "name": "p",
        "task": "text-classification",
        "model": "minilm-l6-sentiment",
        "setups": [BASELINE, OTHER],
    }
)
QUERIES = 3


#: Joules of a round: as large as a hall's, none, less than none by noise, or hardly any.
JOULES = st.one_of(
    st.floats(-50.0, 50.0), st.sampled_from([0.0, -1e-9, 1e-300, 5e-324, 1e9, 49.9, 50.1])
)
WIDTHS = st.sampled_from([0.0, 1e-12, 0.05, 1.0, 3.0])
REASONS = st.sampled_from([Reason.SENSOR_LOST, Reason.READ_FAILED, Reason.WINDOW_TOO_SHORT])
INSTRUMENTS = [
    ("nvml", "gpu:0", Grade.COUNTED),
    ("nvml-power", "gpu:0", Grade.COUNTED),
    ("modelled-cpu", "cpu", Grade.MODELLED),
    ("plug", "node", Grade.METERED),
]


@st.composite
def figures(draw: st.DrawFn, grade: Grade, unit: str = "J") -> Quantity:
    """What an instrument may say."""
    if draw(st.integers(0, 9)) == 0:
        return Quantity.missing(unit, draw(REASONS), "no answer")
    joules, width = draw(JOULES), draw(WIDTHS)
    half = width * (abs(joules) if draw(st.booleans()) else 10.0)
    level = draw(st.sampled_from([0.95, 1.0, 0.0]))
    low, high = joules - half, joules + half
    return Quantity.between(joules, low, high, unit, level=level, grade=grade)


@st.composite
def windows(draw: st.DrawFn, meters: Sequence[tuple[str, str, Grade]]) -> tuple[EnergyWindow, ...]:
    """A round's energies by these instruments."""
    seconds = draw(st.sampled_from([0.0, 1e-6, 2.0]))
    ends = [MeterReading(time_ns=round(s * 1e9), values={}) for s in (0.0, seconds)]
    found = []
    for meter, domain, grade in meters:
        window = window_without_idle(meter, domain, draw(figures(grade)), *ends)
        if grade is Grade.MODELLED and window.gross.known and draw(st.booleans()):
            own = ComparableEnergy(scale="5 W per busy core", energy=window.gross)
            window = window.model_copy(update={"comparable": own})
        found.append(window)
    return tuple(found)


@st.composite
def rounds(draw: st.DrawFn) -> list[Round]:
    """A few rounds of both setups, some of them of two phases."""
    meters = draw(st.lists(st.sampled_from(INSTRUMENTS), unique=True))
    phased = draw(st.booleans())
    made = []
    for trial in (BASELINE, OTHER):
        for index in range(draw(st.integers(1, 4))):
            energy = draw(windows(meters))
            phases = tuple(
                PhaseWindow(
                    phase=name,
                    unit="token",
                    seconds=draw(st.sampled_from([0.0, 1.0])),
                    units=draw(st.integers(0, 2)),
                    energy=tuple(
                        PhaseEnergy(meter=m, domain=d, gross=draw(figures(g))) for m, d, g in meters
                    ),
                )
                for name in (("prefill", "decode") if phased else ())
            )
            changes: dict[str, Any] = {
                "trial": trial,
                "execution": draw(st.integers(0, 1)),
                "wall_s": draw(st.sampled_from([0.0, 1e-9, 1.0])),
                "cpu_s": draw(st.sampled_from([0.0, 1e-9, 1.0])),
                "instruments_s": draw(st.sampled_from([None, 0.0])),
                "failed_queries": draw(st.integers(0, QUERIES)),
                "energy": energy,
                "phases": phases,
            }
            made.append(a_round(index, QUERIES, **changes))
    return made


IDLE = st.lists(
    st.builds(
        lambda power: IdleRecord(
            machine="m",
            measured_at=0.0,
            seconds=2.0,
            power=tuple(IdlePower(meter=m, domain=d, power=power) for m, d, _ in INSTRUMENTS),
        ),
        figures(Grade.COUNTED, "W"),
    ),
    max_size=3,
)
LATENCIES = st.lists(
    st.lists(st.sampled_from([0.0, 1e-6, 1.0, 1e6]), min_size=QUERIES, max_size=QUERIES),
    min_size=8,
    max_size=8,
)


def block(latencies_ms: Sequence[float], failed: int, phases: int) -> Samples:
    """Answers of which the first so many failed."""
    return samples(
        latencies_ms,
        prediction=["0", "?", "2"],
        score=np.array([1.0, 0.0, 1.0]),
        error=["no"] * failed + [None] * (QUERIES - failed),
        phase_ns=np.ones((QUERIES, phases), np.int64),
        phase_units=np.ones((QUERIES, phases)) * (failed % 2),
        batch=np.arange(QUERIES, dtype=np.int32),
        batch_ns=np.zeros(QUERIES, np.int64),
    )


def run_of(
    folder: Path, made: list[Round], idle: list[IdleRecord], latencies: list[list[float]]
) -> Run:
    """The run that such rounds come to, as its end makes it."""
    held = {}
    for number, done in enumerate(made):
        path = f"{number}"
        held[path] = block(latencies[number], done.failed_queries, len(done.phases))
        files = done.samples.model_copy(update={"path": path})
        made[number] = done.model_copy(update={"samples": files})
    said = Recorded(rounds=made, idle=idle)
    recorder: Any = SimpleNamespace(
        recorded=lambda: said, load_samples=lambda file: held[file.path]
    )
    plain = make_run([])
    material: Any = SimpleNamespace(
        model=plain.model,
        examples=[SimpleNamespace(label=str(n)) for n in range(QUERIES)],
        queries=[{"x": np.full(1, n)} for n in range(QUERIES)],
        calibrated_on_measured=False,
        held_out=[],
    )
    trials = [
        Trial(
            task=PLAN.task,
            model=PLAN.model,
            model_digest=plain.model.digest,
            setup=make_setup(label),
            scenario=PLAN.scenario,
        )
        for label in (BASELINE, OTHER)
    ]
    (folder / "facts.json").write_text(json.dumps({"flops_per_query": 5e9, "parameters": 77}))
    references = {trial.id: folder for trial in trials}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summary.registry, "task", lambda name: Right())
        results, model = summarise(PLAN, trials, material, recorder, references, folder / "cache")
    return plain.model_copy(
        update={"results": results, "model": model, "ratings": rate_results(results), "plan": PLAN}
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("facts")


def every_figure(node: Any) -> list[Quantity]:
    """All quantities in a record."""
    if isinstance(node, Quantity):
        return [node]
    if isinstance(node, tuple | list):
        return [q for part in node for q in every_figure(part)]
    fields = type(node).model_fields if hasattr(type(node), "model_fields") else {}
    return [q for name in fields for q in every_figure(getattr(node, name))]


ODD = settings(
    derandomize=True,
    deadline=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],  # to shrink and explain such a run takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@ODD
@given(rounds(), IDLE, LATENCIES)
def test_a_result_of_odd_readings_has_figures_or_reasons(
    folder: Path, made: list[Round], idle: list[IdleRecord], latencies: list[list[float]]
) -> None:
    run = run_of(folder, made, idle, latencies)
    assert [result.status for result in run.results] == ["ok", "ok"]
    assert all(figure.known or figure.reason for figure in every_figure(run.results))
    assert Run.model_validate_json(run.model_dump_json()) == run


@settings(ODD, max_examples=12)
@given(rounds(), IDLE, LATENCIES)
def test_what_is_made_of_such_a_run_is_made_whole(
    folder: Path, made: list[Round], idle: list[IdleRecord], latencies: list[list[float]]
) -> None:
    run = run_of(folder, made, idle, latencies)
    for name in registry.names("report_format"):
        assert registry.report_format(name).render(Reported(run, ("wattmark run",), dict))
    bundle = bundle_of(run)
    assert len(rows_of(bundle)) == 2
    assert findings(run, datetime.now(UTC)) is not None
    site = Site(region="FR")
    for result in run.results:
        subject = Subject(run, result, assess(use_of(result), place(site)[0]), site)
        for name in registry.names("export"):
            try:
                assert export(subject, name).text
            except ExportError as error:  # a format that requires what is missing names it
                assert str(error)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edition_files, "today", lambda: "2026-06-01")
        shelf = Editions(folder / f"editions-{len(list(folder.iterdir()))}")
        shelf.open("2026-H1", "quintile")
        shelf.add("2026-H1", [bundle])


def test_a_mean_of_idle_powers_that_rounding_puts_beside_them_all_is_taken_as_they_are(
    folder: Path,
) -> None:
    power = Quantity.exact(0.1, "W")
    record = IdleRecord(
        machine="m",
        measured_at=0.0,
        seconds=2.0,
        power=(IdlePower(meter="plug", domain="node", power=power),),
    )
    assert sum([0.1] * 3) / 3 > 0.1
    assert IdlePowers([record] * 3).power("plug", "node") == power


def test_noise_below_zero_is_no_impact_and_no_error() -> None:
    def used(low: float, value: float) -> Quantity:
        gross = Quantity.between(value, low, 1.0, "J/query", grade=Grade.COUNTED)
        result = make_result(BASELINE, 17.1, 1.0, 842)
        energy = result.energy[0].model_copy(update={"per_query": gross})
        return use_of(result.model_copy(update={"energy": (energy,)})).energy_it

    assert used(-0.5, 0.5).bounds() == (0.0, 0.5, 1.0)
    assert used(-0.5, -0.1).reason is Reason.WINDOW_TOO_SHORT
    assert used(0.1, 0.5).bounds() == (0.1, 0.5, 1.0)
