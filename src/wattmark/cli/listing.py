"""``wattmark list``: what is installed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Kind(StrEnum):
    """What can be listed."""

    TASKS = "tasks"
    MODELS = "models"
    DATA = "data"
    FRAMEWORKS = "frameworks"
    METERS = "meters"
    SCENARIOS = "scenarios"
    RULES = "rules"
    EXPORTS = "exports"
    REPORTS = "reports"
    RUNS = "runs"


def list_(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what is installed, public data sets, or stored runs."""
    import json

    special = {Kind.RUNS: _runs, Kind.DATA: _data, Kind.RULES: _rules}
    special |= {Kind.EXPORTS: _exports, Kind.REPORTS: _reports}
    rows = special[kind]() if kind in special else _instruments(kind)
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        typer.echo("  ".join(text for text in row.values() if text))


def _instruments(kind: Kind) -> list[dict[str, str]]:
    from wattmark import registry
    from wattmark.metering import selection

    singular = kind.value.removesuffix("s")
    rows = []
    for name in selection.names() if kind is Kind.METERS else registry.names(singular):
        row = {"name": name}
        if kind is Kind.FRAMEWORKS:
            rows += _cells(name)
            continue
        if kind is Kind.MODELS:
            row["task"] = f"for {registry.model(name).task}"
        elif kind is Kind.METERS:
            row["grade"] = selection.named(name).grade.value
        rows.append(row)
    return rows


def _cells(name: str) -> list[dict[str, str]]:
    """Every mode and precision of a framework, and whether it can run here.

    It is asked for on each of the framework's devices until it runs on one.
    """
    from wattmark import registry
    from wattmark.contracts import devices_of
    from wattmark.records import Setup

    framework = registry.framework(name)
    rows = []
    for mode, precisions in framework.modes.items():
        for precision in precisions:
            for device in devices_of(framework):
                setup = Setup(framework=name, mode=mode, precision=precision, device=device)
                found = framework.available(setup)
                if found.available:
                    break
            state = "runs here" if found.available else f"not here: {found.reason}"
            rows.append({"name": setup.label, "state": state, "detail": found.detail})
    return rows


def _data() -> list[dict[str, str]]:
    """Every public data set of every task."""
    from wattmark import registry

    return [
        {
            "task": task,
            "name": found.name,
            "repository": found.repo,
            "split": found.split,
            "licence": found.licence + (" (gated)" if found.gated else ""),
            "label": f"label: {found.label}" if found.label else "no label: --cost-only",
        }
        for task in registry.names("task")
        for found in registry.datasets(task)
    ]


def _rules() -> list[dict[str, str]]:
    """Every rating rule in words."""
    from wattmark.rating import installed_rules

    return [
        {"name": rule.name, "version": f"version {rule.version}", "text": rule.text}
        for rule in installed_rules()
    ]


def _exports() -> list[dict[str, str]]:
    """Every export format, and whose it is."""
    from wattmark import registry

    return [{"name": n, "title": registry.export(n).title} for n in registry.names("export")]


def _reports() -> list[dict[str, str]]:
    """Every format of a report."""
    from wattmark import registry

    return [{"name": n, "title": registry.report_format(n).title} for n in registry.names("report")]


def _runs() -> list[dict[str, str]]:
    from wattmark.workflows import kinds

    return kinds.listed()
