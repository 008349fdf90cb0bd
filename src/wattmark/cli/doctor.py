"""``wattmark doctor``: what this machine can measure and run, and the cure for what it cannot."""

from __future__ import annotations

from typing import Annotated, Any

import typer

HEADINGS = ("meter", "state", "domains", "grade", "sees", "updates every", "a read takes")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List instruments and frameworks: what is here, what is missing, and the cure."""
    import json

    from wattmark.workflows.diagnosis import diagnose

    findings = diagnose()
    if as_json:
        typer.echo(json.dumps(findings, indent=1))
        return
    from wattmark.cli.columns import columns, stdout

    console = stdout()
    meters = findings["meters"]
    console.print(columns(HEADINGS, [_cells(row) for row in meters]))
    for title, available in (("here", True), ("missing", False)):
        rows = [row for row in meters if row["available"] is available]
        if rows:
            console.print(f"\n{title}")
        for row in rows:
            console.print(f"  {row['name']}: {row['detail']}", markup=False, soft_wrap=True)
    console.print()
    frameworks = [
        (row["name"], "ok" if row["available"] else "missing", row["detail"])
        for row in findings["frameworks"]
    ]
    console.print(columns(("framework", "state", "versions, or the cure"), frameworks))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["name"],
        _state(row),
        ", ".join(row["domains"] or ()),
        row["grade"] or "",
        row["scope"] or "",
        _seconds(row["update_period_s"]),
        _seconds(row["read_cost_s"]),
    )


def _state(row: dict[str, Any]) -> str:
    if not row["available"]:
        return str(row["reason"])
    return "ok (if named)" if row["by_name_only"] else "ok"


def _seconds(seconds: float | None) -> str:
    """A time in the unit that suits it; nothing where it is not known."""
    if seconds is None:
        return ""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"
