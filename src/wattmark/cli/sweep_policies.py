"""``wattmark sweep --policy``: what batching policies sustain within a bound of latency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from wattmark.cli.durations import parse_duration_s
from wattmark.cli.exit_codes import INTERRUPTED, NOTHING_VALID

if TYPE_CHECKING:
    from wattmark.quantities import Quantity
    from wattmark.records import Plan
    from wattmark.workflows.serving_rates import PolicyRate, ServingRates

HEADINGS = (
    "Setup",
    "Policy",
    "Most, offline",
    "Sustained",
    "Not sustained",
    "Latency p99, ms",
    "Mean batch",
    "Energy per query, J",
)


def sweep_policies(
    plan: Plan, policies: str, slo: str, batch: str, max_wait: str, budget: str, show: bool
) -> None:
    """Search every policy's highest rate and print them side by side, or as JSON."""
    from wattmark.cli.progress import Progress
    from wattmark.workflows import serving_rates

    if not batch.isdecimal():
        raise typer.BadParameter(f"--policy takes one --batch, not {batch!r}")
    with Progress(show) as progress:
        done = serving_rates.serving_rates(
            plan,
            slo=slo,
            policies=policies.split(","),
            batch=int(batch),
            max_wait_ms=1e3 * parse_duration_s(max_wait),
            test_s=parse_duration_s(budget),
            observe=progress,
        )
    (_print if show else _print_json)(done)
    if done.interrupted:
        raise typer.Exit(INTERRUPTED)
    if not any(rate.result for rate in done.rates):
        raise typer.Exit(NOTHING_VALID)


def _print(done: ServingRates) -> None:
    from rich.table import Table
    from rich.text import Text

    from wattmark.cli.columns import stdout

    drawn = Table(title=f"Highest rates, in queries per second, within {done.slo}")
    for at, heading in enumerate(HEADINGS):
        drawn.add_column(Text(heading), justify="left" if at < 2 else "right")
    for rate in done.rates:
        drawn.add_row(*map(Text, _row(rate)))
    stdout(width=200).print(drawn)


def _row(rate: PolicyRate) -> tuple[str, ...]:
    from wattmark.formatting import DASH, quantity_text

    capacity = DASH if rate.capacity is None else f"{rate.capacity:.3g}"
    if rate.search is None:
        return (rate.label, rate.policy, f"{DASH} ({rate.failure})", *[DASH] * 5)
    refused = DASH if rate.search.refused is None else f"{rate.search.refused:.3g}"
    if rate.result is None or rate.search.sustained is None:
        return (rate.label, rate.policy, capacity, "none", refused, DASH, DASH, DASH)
    result = rate.result
    calls = sum(sum(test.batch_sizes.values()) for test in result.loadgen)
    samples = sum(test.samples for test in result.loadgen)
    energy = _energy(rate)
    return (
        rate.label,
        rate.policy,
        capacity,
        f"{rate.search.sustained:.3g}",
        refused,
        DASH if result.latency is None else quantity_text(result.latency.p99),
        f"{samples / calls:.3g}",
        DASH if energy is None else quantity_text(energy),
    )


def _energy(rate: PolicyRate) -> Quantity | None:
    from wattmark.records.reading import energy_per_query

    return None if rate.result is None else energy_per_query(rate.result)


def _print_json(done: ServingRates) -> None:
    import json

    def row(rate: PolicyRate) -> dict[str, object]:
        energy, result, search = _energy(rate), rate.result, rate.search
        return {
            "setup": rate.label,
            "policy": rate.policy.value,
            "offline_qps": rate.capacity,
            "sustained_qps": search and search.sustained,
            "refused_qps": search and search.refused,
            "probes": [{"qps": qps, "sustained": kept} for qps, kept in search.probes]
            if search
            else [],
            "result": result and result.model_dump(mode="json"),
            "energy_per_query": energy and energy.model_dump(mode="json"),
            "failure": rate.failure or None,
        }

    told = {
        "slo": done.slo,
        "interrupted": done.interrupted,
        "rates": [row(rate) for rate in done.rates],
    }
    typer.echo(json.dumps(told, indent=1))
