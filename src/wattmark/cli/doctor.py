"""``wattmark doctor``: what this machine can measure and run, and the cure for what it cannot."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List instruments and frameworks: what is here, what is missing, and the cure."""
    import json

    from wattmark.diagnosis import diagnose

    findings = diagnose()
    if as_json:
        typer.echo(json.dumps(findings, indent=1))
        return
    for section, rows in findings.items():
        typer.echo(section)
        for row in rows:
            mark = "ok     " if row["available"] else "missing"
            typer.echo(f"  {mark}  {row['name']:<16} {row['detail']}")
