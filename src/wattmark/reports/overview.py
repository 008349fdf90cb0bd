"""Every task by every setup that ran, with quality and energy: one table over several runs."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.formatting import missing_text, percent_if_share, quantity_text
from wattmark.quantities import Quantity
from wattmark.records import Quality, Result, Run
from wattmark.records.noise import noise
from wattmark.records.reading import energy_per_query, median_latency
from wattmark.reports.markdown import escape
from wattmark.reports.rows import failure_text

HEADINGS = ("Task", "Model", "Setup", "n", "Metric", "Quality", "Latency p50", "Energy a query")


def latest_by_plan(runs: Sequence[Run]) -> list[Run]:
    """Of several runs of one plan the newest, ordered by task; ``runs`` come newest first."""
    newest: dict[tuple[str, str, str], Run] = {}
    for run in runs:
        newest.setdefault((run.task.name, run.model.name, run.plan.name), run)
    return [newest[key] for key in sorted(newest)]


def render_overview(runs: Sequence[Run]) -> str:
    """A Markdown table, one line a setup; a failed one says why it has no figures."""
    lines = [HEADINGS, ("---",) * len(HEADINGS)]
    lines += [
        tuple(escape(cell) for cell in _cells(run, result))
        for run in latest_by_plan(runs)
        for result in run.results
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cells(run: Run, result: Result) -> tuple[str, ...]:
    scored = result.quality.queries if result.quality else None
    samples = str(run.task.samples if scored is None else scored)
    about = (run.task.name, run.model.name, result.id, samples)
    if failure := failure_text(result):
        return (*about, run.task.metric, failure, "", "")
    p50 = median_latency(result)
    return (
        *about,
        run.task.metric,
        _quality(result.quality),
        _marked(_text(p50), noise(run, result, "latency")),
        _marked(_energy(energy_per_query(result)), noise(run, result, "energy")),
    )


def _marked(text: str, why: str) -> str:
    return f"{text}; too noisy to conclude" if why else text


def _quality(quality: Quality | None) -> str:
    if quality is None:
        return missing_text("not_measured")
    text = quantity_text(percent_if_share(quality.value))
    also = [f"{name} {quantity_text(value)}" for name, value in quality.also.items()]
    missed = ["misses the gate"] if quality.gate_passed is False else []
    earlier = [f"{quality.reused} answers of earlier runs"] if quality.reused else []
    return "; ".join([text, *also, *missed, *earlier])


def _energy(quantity: Quantity | None) -> str:
    text = _text(quantity)
    return f"{text}, {quantity.grade}" if quantity and quantity.grade and quantity.known else text


def _text(quantity: Quantity | None) -> str:
    return quantity_text(quantity) if quantity is not None else missing_text("not_measured")
