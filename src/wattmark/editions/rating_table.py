"""Tables that are rated: read from CSV, Parquet or JSON, and written with their stars."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from wattmark.errors import InputError, RatingError
from wattmark.outside.files import naming
from wattmark.outside.truth import read_truth
from wattmark.rating.columns import Columns, Rated
from wattmark.rating.distributions import Comparable

_UNREADABLE = (OSError, ValueError, TypeError, RecursionError, MemoryError, pa.ArrowException)
#: What pyarrow says of a row with a column too many or too few, and the row itself.
_ROW = re.compile(r"(Expected \d+ columns, got \d+): (.*)", re.DOTALL)

ADDED = ("stars", "star_probability", "boundary_distance_pct", "unrated_reason")
CHANGES = "what_would_change"


def read_table(path: Path, *, as_text: Collection[str] = ()) -> pa.Table:
    """The table in a .csv, .parquet or .json (a list of objects). Raises RatingError.

    Its columns have a name each, and its text is UTF-8. Columns of a .csv that ``as_text`` names
    stay as they are written: what looks like a number or like nothing (``nan``) is text too.
    """
    if path.suffix not in (".csv", ".parquet", ".json"):
        raise RatingError(f"{path}: a table is read from .csv, .parquet or .json")
    try:
        table = _read(path, as_text)
        table.validate(full=True)
        names = table.schema.names
    except _UNREADABLE as error:
        said = " ".join(str(error).split())
        where = _line_of(path, str(error))
        raise RatingError(f"{path}{where} cannot be read as a table: {said}") from None
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise RatingError(f"{path}: two columns are called {repeated[0]!r}: rename one")
    for field in table.schema:
        if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            raise RatingError(f"{path}: column {field.name!r} is not UTF-8 text: save it as UTF-8")
    return table


def _line_of(path: Path, said: str) -> str:
    """``, line N`` of the row that an error of pyarrow's CSV reader repeats; "" where unknown."""
    if path.suffix != ".csv" or (found := _ROW.search(said)) is None:
        return ""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    row = found[2].strip()
    return next((f", line {n}:" for n, line in enumerate(lines, 1) if line.strip() == row), "")


def _read(path: Path, as_text: Collection[str]) -> pa.Table:
    if path.suffix == ".csv":
        types = dict.fromkeys(as_text, pa.string())
        options = pyarrow.csv.ConvertOptions(column_types=types)
        return pyarrow.csv.read_csv(path, convert_options=options)
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path)
    rows = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("it is no list of objects, one a row")
    return pa.Table.from_pylist(rows)


def write_table(table: pa.Table, path: Path) -> None:
    """Write it in the format of the suffix. Raises RatingError."""
    if path.suffix not in (".csv", ".parquet", ".json"):
        raise RatingError(f"{path}: a table is written as .csv, .parquet or .json")
    with naming(path):
        if path.suffix == ".csv":
            pyarrow.csv.write_csv(table, path)
        elif path.suffix == ".parquet":
            pyarrow.parquet.write_table(table, path)
        else:
            path.write_text(json.dumps(table.to_pylist(), indent=1, default=str), "utf-8")


def columns_of(
    table: pa.Table,
    value: str,
    by: Sequence[str],
    *,
    low: str | None = None,
    high: str | None = None,
    level: float = 0.95,
    gate: str | None = None,
    hardware: str | None = None,
    grade: str | None = None,
) -> Columns:
    """What is rated, from a table's columns.

    Intervals are taken from ``low`` and ``high``, or from ``<value>_low`` and ``<value>_high``
    where the table has them; a column ``<value>_level`` has their levels, and ``level`` is that of
    rows without one. ``<value>_comparable_low``, ``<value>_comparable_high`` and ``<value>_scale``
    are taken where the table has all three, and ``<value>_idle_effect`` where it has that too
    (:class:`wattmark.rating.distributions.Comparable`).
    Raises RatingError that names the column.
    """
    if (
        low is None
        and high is None
        and {f"{value}_low", f"{value}_high"} <= set(table.schema.names)
    ):
        low, high = f"{value}_low", f"{value}_high"
    if (low is None) != (high is None):
        raise RatingError("low, high: give both columns of the interval, or neither")
    if not 0 < level < 1:
        raise RatingError(f"level: {level:g} is not between 0 and 1")
    groups = [_column(table, name).to_pylist() for name in by]
    group = np.empty(len(table), dtype=object)
    group[:] = (
        [json.dumps(key, default=str) for key in zip(*groups, strict=True)] if groups else "[]"
    )
    return Columns(
        value=_floats(table, value),
        group=group,
        low=None if low is None else _floats(table, low),
        high=None if high is None else _floats(table, high),
        level=_levels(table, f"{value}_level", level),
        gate=None if gate is None else _passed(table, gate),
        hardware=None if hardware is None else _names(table, hardware),
        grade=None if grade is None else _names(table, grade),
        comparable=_comparable(table, value),
    )


def unit_in(value: str) -> str:
    """The unit that a column's name ends in (``energy_wh``); "" where it names none."""
    return {"wh": "Wh", "kwh": "kWh", "j": "J"}.get(value.rpartition("_")[2].lower(), "")


def with_stars(table: pa.Table, rated: Rated) -> pa.Table:
    """The table as it was, with the four columns added. Raises RatingError where it has them."""
    if taken := [name for name in ADDED if name in table.schema.names]:
        raise RatingError(f"the table has a column {taken[0]!r} already: rename it")
    unrated = rated.stars == 0
    found: dict[str, Any] = {
        "stars": pa.array(rated.stars, mask=unrated),
        "star_probability": pa.array(rated.probability, mask=np.isnan(rated.probability)),
        "boundary_distance_pct": pa.array(rated.distance_pct, mask=np.isnan(rated.distance_pct)),
        "unrated_reason": pa.array(rated.reason, type=pa.string(), mask=~unrated),
    }
    for name in ADDED:
        table = table.append_column(name, found[name])
    return table


def with_changes(table: pa.Table, told: Any) -> pa.Table:
    """The table with what would change each star (n,), empty where it is "". Raises RatingError."""
    if CHANGES in table.schema.names:
        raise RatingError(f"the table has a column {CHANGES!r} already: rename it")
    return table.append_column(CHANGES, pa.array(told, type=pa.string(), mask=told == ""))


def _column(table: pa.Table, name: str) -> Any:
    if name not in table.schema.names:
        raise RatingError(
            f"the table has no column {name!r}; its columns: {', '.join(table.schema.names)}"
        )
    return table.column(name)


def _passed(table: pa.Table, name: str) -> Any:
    """False where the column says no; a row that says nothing was not judged, and stays."""
    try:
        said = [read_truth(value) for value in _column(table, name).to_pylist()]
    except InputError as error:
        raise RatingError(f"column {name!r}: {error}") from None
    return np.array([passed is not False for passed in said], dtype=bool)


def _names(table: pa.Table, name: str) -> Any:
    return np.array([str(v) for v in _column(table, name).to_pylist()], dtype=object)


def _comparable(table: pa.Table, value: str) -> Comparable | None:
    low, high, scale = (
        f"{value}_{name}" for name in ("comparable_low", "comparable_high", "scale")
    )
    if not {low, high, scale} <= set(table.schema.names):
        return None
    names = np.array([str(v or "") for v in table.column(scale).to_pylist()], dtype=object)
    idle = f"{value}_idle_effect"
    effects = _floats(table, idle) if idle in table.schema.names else None
    return Comparable(_floats(table, low), _floats(table, high), names, effects)


def _levels(table: pa.Table, name: str, level: float) -> Any:
    if name not in table.schema.names:
        return level
    found = _floats(table, name)
    return np.where(np.isnan(found), level, found)


def _floats(table: pa.Table, name: str) -> Any:
    try:
        column = _column(table, name).cast(pa.float64())
    except pa.ArrowException as error:
        raise RatingError(f"column {name!r} is not of numbers: {error}") from None
    return column.to_numpy(zero_copy_only=False)
