"""``wattmark advise``: what a run's own figures say about which setup to use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattmark.advice import Advice, PrecisionEffect
    from wattmark.records import Run


def advise(
    run: Annotated[
        str, typer.Argument(help="A run's id, a unique prefix of it, or 'latest'.")
    ] = "latest",
    min_latency: Annotated[
        bool, typer.Option("--min-latency", help="Prefer the least latency.")
    ] = False,
    min_energy: Annotated[
        bool, typer.Option("--min-energy", help="Prefer the least energy (the default).")
    ] = False,
    max_accuracy_loss: Annotated[
        str, typer.Option(metavar="PERCENT", help="Largest loss of quality, such as 1%.")
    ] = "1%",
) -> None:
    """Say which setup to use for a goal, and where a lower precision pays."""
    from wattmark.advice import Goal
    from wattmark.advice import advise as advise_on
    from wattmark.workflows import runs

    if min_latency and min_energy:
        raise typer.BadParameter("give --min-energy or --min-latency, not both")
    goal = Goal.MIN_LATENCY if min_latency else Goal.MIN_ENERGY
    loaded = runs.load(run)
    advice = advise_on(loaded, goal, parse_share(max_accuracy_loss))
    for line in (*_choice(loaded, advice), *_effects(loaded)):
        typer.echo(line)


def parse_share(text: str) -> float:
    """0.01 of ``1%``, ``1 %`` or ``0.01``."""
    number, percent = text.strip().removesuffix("%").strip(), text.strip().endswith("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise typer.BadParameter(f"{text!r} is not a share such as 1% or 0.01")
    return share


def _choice(run: Run, advice: Advice) -> list[str]:
    from wattmark.formatting import listing, quantity_text

    unasked = "; its quality was not asked" if run.plan.cost_only else ""
    lines = [f"{run.task.name}, {run.model.name}, goal {advice.goal}{unasked}"]
    if advice.best is None or advice.figure is None:
        lines.append("No setup of this run qualifies.")
    else:
        figure = "energy" if advice.goal == "min-energy" else "latency"
        lines.append(
            f"Use {advice.best.id}: {figure} {quantity_text(advice.figure)} of the baseline "
            f"{run.plan.baseline_label}"
        )
        if advice.alike:
            lines.append(f"These data do not tell it apart from {listing(advice.alike)}.")
    return lines + [f"Not considered: {name} ({why})" for name, why in advice.refused.items()]


def _effects(run: Run) -> list[str]:
    from wattmark.advice import crossovers, precision_effects

    effects = precision_effects(run)
    lines = [_effect(effect) for effect in effects]
    lines += [f"{c.name} over batches: {c.sentence()}" for c in crossovers(effects)]
    return ["", "Lower precision against FP32 of the same framework:", *lines] if lines else []


def _effect(effect: PrecisionEffect) -> str:
    from wattmark.formatting import quantity_text

    parts = [f"energy {quantity_text(effect.energy)}", f"latency {quantity_text(effect.latency)}"]
    if effect.quality is not None:
        parts.append(f"quality {quantity_text(effect.quality)}")
    if effect.size is not None:
        parts.append(f"size {effect.size:.2f}")
    warning = " - COSTS energy here" if effect.verdict == "costs" else ""
    return f"{effect.result.id}: times FP32: {', '.join(parts)}{warning}"
