"""``wattmark rate``: stars for any table of results, or for the stored runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

if TYPE_CHECKING:
    import pyarrow as pa

    from wattmark.contracts import Rule
    from wattmark.rating.columns import Columns


def rate(
    source: Annotated[
        Path | None,
        typer.Argument(metavar="[TABLE]", help=".csv, .parquet or .json; left out: stored runs."),
    ] = None,
    value: Annotated[str, typer.Option(help="Column that is rated; less is better.")] = "energy_wh",
    by: Annotated[
        str | None, typer.Option(metavar="A,B", help="Columns that make a population.")
    ] = None,
    rule: Annotated[
        str, typer.Option(help="{rules}: `wattmark list rules` says what each does.")
    ] = "quintile",
    limits: Annotated[
        Path | None, typer.Option(help="The limits of each population, for a rule that needs them.")
    ] = None,
    write_limits: Annotated[
        Path | None, typer.Option(help="Write limits for this table: its best has 4 stars.")
    ] = None,
    low: Annotated[
        str | None, typer.Option(help="Column of the lower bound (default: VALUE_low).")
    ] = None,
    high: Annotated[
        str | None, typer.Option(help="Column of the upper bound (default: VALUE_high).")
    ] = None,
    level: Annotated[float, typer.Option(help="Of intervals without a VALUE_level.")] = 0.95,
    gate: Annotated[
        str | None,
        typer.Option(help="Column that says no (false, 0, fail) where quality missed its gate."),
    ] = None,
    grade: Annotated[
        str | None, typer.Option(help="Column of the grade; others than the usual are unrated.")
    ] = None,
    hardware: Annotated[
        str | None, typer.Option(help="Column of the hardware; others than the usual are unrated.")
    ] = None,
    resamples: Annotated[
        int,
        typer.Option(
            min=0,
            help="Draws behind the probabilities, fewer in large populations; 0: none.",
        ),
    ] = 8192,
    min_population: Annotated[
        int | None,
        typer.Option(min=2, help="Groups with fewer are not rated (default: what the rule wants)."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the resampling.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write the table with its stars: .csv, .parquet, .json.")
    ] = None,
    what_if: Annotated[
        str | None,
        typer.Option(help="remove-worst, add-outlier or noise=5%: how many stars would change."),
    ] = None,
    why: Annotated[
        bool, typer.Option("--why", help="Add a column that says what would change each star.")
    ] = False,
    explain: Annotated[bool, typer.Option("--explain", help="The rule in words.")] = False,
) -> None:
    """Give stars within each population, with how sure they are; columns and rows stay."""
    from wattmark.editions.rating_table import columns_of

    chosen = _rules(rule, limits)
    if explain:
        _explain(chosen)
    if source is None:
        gate, grade = gate or "gate_passed", grade or "grade"
    table, keys = _table(source, by, gate)
    columns = columns_of(
        table,
        value,
        keys,
        low=low,
        high=high,
        level=level,
        gate=gate,
        hardware=hardware,
        grade=grade,
    )
    if write_limits is not None:
        _write_limits(columns, write_limits)
    elif what_if is not None:
        _stability(columns, what_if, seed)
    else:
        draws = Draws(resamples, seed, min_population)
        _stars(table, columns, chosen, draws, unit_of=value if why else None, out=out)


class Draws(NamedTuple):
    """How the probabilities are drawn, and the smallest population that is rated."""

    resamples: int
    seed: int
    min_population: int | None


def _explain(chosen: str | dict[str, Rule]) -> None:
    from wattmark.rating import find_rule

    for name, each in ({"": find_rule(chosen)} if isinstance(chosen, str) else chosen).items():
        typer.echo(f"{each.name}, version {each.version}: {name} {each.text}")


def _table(source: Path | None, by: str | None, gate: str | None) -> tuple[pa.Table, list[str]]:
    """The table, and the columns that make a population of it."""
    if source is None:
        from wattmark.workflows.rating_runs import POPULATION, stored_table

        table, keys = stored_table(), list(POPULATION)
    else:
        from wattmark.editions.rating_table import read_table

        table, keys = read_table(source, as_text=[gate] if gate is not None else []), []
    return table, keys if by is None else [name.strip() for name in by.split(",")]


def _write_limits(columns: Columns, path: Path) -> None:
    from wattmark.editions.thresholds import born_limits, write_limits

    born = born_limits(columns)
    write_limits(born, path)
    typer.echo(f"{path}: limits of {len(born)} populations", err=True)


def _stars(
    table: pa.Table,
    columns: Columns,
    chosen: str | dict[str, Rule],
    draws: Draws,
    *,
    unit_of: str | None,
    out: Path | None,
) -> None:
    """Print or write the table with its stars; ``unit_of`` names the column whose changes are
    told."""
    from wattmark.editions.rating_table import unit_in, with_changes, with_stars, write_table
    from wattmark.rating.columns import rate_columns
    from wattmark.rating.star_limits import rescale_due

    rated = rate_columns(columns, chosen, **draws._asdict())
    found = with_stars(table, rated)
    if unit_of is not None:
        from wattmark.rating.what_would_change import of_columns

        least = draws.min_population
        told = of_columns(columns, rated, chosen, unit_in(unit_of), min_population=least)
        found = with_changes(found, told)
    if not isinstance(chosen, str) and rescale_due(rated.stars):
        typer.echo(
            "So many have come to the top that the limits are due to be drawn anew.", err=True
        )
    if out is not None:
        write_table(found, out)
        unrated = int((rated.stars == 0).sum())
        typer.echo(f"{out}: {len(found)} rows, {unrated} of them unrated", err=True)
        return
    _print(found)


def _rules(rule: str, limits: Path | None) -> str | dict[str, Rule]:
    """The name of a rule, or the rule of each population where it needs limits."""
    from wattmark.editions.thresholds import read_limits
    from wattmark.errors import RatingError
    from wattmark.rating import LimitedRule, find_rule
    from wattmark.rating.star_limits import by_population

    found = find_rule(rule)
    if isinstance(found, LimitedRule):
        if limits is None:
            raise RatingError(f"rule {rule} needs --limits; --write-limits makes them")
        return by_population(found, read_limits(limits))
    if limits is not None:
        raise RatingError(f"--limits: rule {rule} has no limits")
    return rule


def _stability(columns: Columns, change: str, seed: int) -> None:
    from wattmark.rating.stability import what_if

    for found in what_if(columns, change, seed):
        share = found.changed / found.rated if found.rated else 0.0
        typer.echo(f"{found.rule}: {found.changed:g} of {found.rated} stars change ({share:.0%})")


def _print(table: Any) -> None:
    from wattmark.cli.columns import columns, stdout

    rows = [["" if v is None else _text(v) for v in row.values()] for row in table.to_pylist()]
    stdout().print(columns(table.schema.names, rows))


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
