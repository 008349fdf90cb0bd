"""Power recorded by somebody else: CSV with a column ``t_s`` and one or more in watts."""

from __future__ import annotations

import csv
import gzip
import zlib
from pathlib import Path

from wattmark.errors import InputError, MeterError
from wattmark.metrology.power_trace import PowerTrace

TIME_COLUMN = "t_s"


def read_power_csv(path: Path, column: str | None = None) -> PowerTrace:
    """The trace in a CSV file, compressed where its name ends in ``.gz``.

    ``column`` is the one that holds watts; left out, the first after the time. Raises InputError
    for a file that cannot be read, a column that it lacks, a row with too many or too few values or
    with one that is not a number (with its line), and for what :meth:`PowerTrace.of` refuses.
    """
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            names = list(rows.fieldnames or [])
            if repeated := next((name for name in names if names.count(name) > 1), None):
                raise InputError(f"{path}: two columns are called {repeated!r}: rename one")
            watts = column or next((name for name in names if name != TIME_COLUMN), "")
            for wanted in (TIME_COLUMN, watts):
                if wanted not in names:
                    raise InputError(f"{path} has no column {wanted!r}; it has {', '.join(names)}")
            times_s, power_w = [], []
            for row in rows:
                if None in row or None in row.values():  # two rows glued, or one cut short
                    found = len(names) + len(row.get(None, ())) - list(row.values()).count(None)
                    said = f"{found} values for {len(names)} columns"
                    raise InputError(f"{path}, line {rows.line_num}: {said}")
                try:
                    times_s.append(float(row[TIME_COLUMN]))
                    power_w.append(float(row[watts]))
                except (TypeError, ValueError) as error:
                    raise InputError(f"{path}, line {rows.line_num}: {error}") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    try:
        return PowerTrace.of(times_s, power_w)
    except MeterError as error:
        raise InputError(f"{path}: {error}") from error
