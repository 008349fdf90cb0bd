"""``wattmark meter replay``: the energy of windows of a trace file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wattmark.metrology.trace_file import Trace
    from wattmark.records import EnergyWindow

HEADINGS = ("from", "to", "domain", "energy", "power", "grade", "meter", "remarks")


def replay(
    file: Annotated[Path, typer.Argument(help="A trace that `wattmark meter record` wrote.")],
    window: Annotated[
        str | None, typer.Option(help="Length of a window, such as 10s; left out: one window.")
    ] = None,
    from_: Annotated[
        float, typer.Option("--from", metavar="SECONDS", help="Since the trace's start.")
    ] = 0.0,
    to: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Since the start; left out: the end.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compute the energy of windows of a recording, on any machine."""
    from wattmark.cli.durations import parse_duration_s
    from wattmark.errors import InputError
    from wattmark.metering.trace_files import read_trace

    window_s = None if window is None else parse_duration_s(window)
    trace = read_trace(file)
    for note in trace.notes:
        typer.echo(f"{file}: {note}", err=True)
    if trace.span_ns is None:
        raise InputError(f"{file} holds no sample")
    start_ns, end_ns = trace.span_ns
    length_s = (end_ns - start_ns) / 1e9
    if not 0 <= from_ <= length_s or (to is not None and not from_ < to <= length_s):
        raise typer.BadParameter(f"--from and --to must lie within 0 to {length_s} s, in order")
    first_ns = start_ns + round(from_ * 1e9)
    last_ns = end_ns if to is None else start_ns + round(to * 1e9)
    window_ns = max(1, last_ns - first_ns) if window_s is None else round(window_s * 1e9)
    found = _windows(trace, first_ns, last_ns, window_ns)
    if as_json:
        _print_json(found, start_ns)
    else:
        _print_table(found, start_ns)


def _windows(
    trace: Trace, first_ns: int, last_ns: int, window_ns: int
) -> Iterator[tuple[int, int, EnergyWindow]]:
    from wattmark.metrology.trace_windows import energy, windows_of

    for begin_ns, end_ns in windows_of(trace, first_ns, last_ns, window_ns):
        for found in energy(trace, begin_ns, end_ns):
            yield begin_ns, end_ns, found


def _print_json(found: Iterator[tuple[int, int, EnergyWindow]], start_ns: int) -> None:
    import json

    rows = [
        {"from_s": (a - start_ns) / 1e9, "to_s": (b - start_ns) / 1e9}
        | window.model_dump(mode="json", exclude={"power"})
        for a, b, window in found
    ]
    typer.echo(json.dumps(rows, indent=1))


def _print_table(found: Iterator[tuple[int, int, EnergyWindow]], start_ns: int) -> None:
    from wattmark.cli.columns import columns, stdout
    from wattmark.formatting import quantity_text
    from wattmark.records.reading import mean_power

    rows = [
        (
            f"{(a - start_ns) / 1e9:.3f} s",
            f"{(b - start_ns) / 1e9:.3f} s",
            window.domain,
            quantity_text(window.gross),
            quantity_text(mean_power(window)),
            window.gross.grade.value if window.gross.grade else "",
            window.meter,
            "; ".join([*window.flags, window.gross.detail]).strip("; "),
        )
        for a, b, window in found
    ]
    stdout().print(columns(HEADINGS, rows))
