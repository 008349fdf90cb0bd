"""Trace files: write down what meters show, and read it back. Their format: ``trace_file``."""

from __future__ import annotations

import gzip
import os
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, cast

from wattmark.contracts import Channel, Meter, Recordable
from wattmark.errors import InputError, MeterError, TraceError
from wattmark.metrology.trace_file import Trace, header_lines, parse, sample_lines
from wattmark.quantities import Reason
from wattmark.records import MeterReading


def channels(meter: Meter) -> tuple[Channel, ...]:
    """What the raw values of an open meter are. Raises MeterError where it cannot say."""
    if not isinstance(meter, Recordable):
        raise MeterError(
            f"meter {meter.name!r} cannot be recorded: it does not describe its raw values; "
            "name others with --meter"
        )
    return meter.channels()


class TraceWriter:
    """A trace file that grows; every sample is handed to the system before ``write`` returns.

    A name that ends in ``.gz`` is compressed. Raises MeterError where the file is there already
    or cannot be written.
    """

    def __init__(self, path: Path, described: Sequence[Channel], period_s: float) -> None:
        self._path = path
        self._channels: dict[str, list[Channel]] = {}
        for channel in described:
            self._channels.setdefault(channel.meter, []).append(channel)
        try:
            if path.suffix == ".gz":
                self._file = cast("IO[bytes]", gzip.open(path, "xb"))  # noqa: SIM115
            else:
                self._file = path.open("xb")
        except FileExistsError as error:
            raise MeterError(f"{path} is there already: give another name") from error
        except OSError as error:
            raise MeterError(f"{path} cannot be written: {error}") from error
        self._append(header_lines(described, period_s))

    def write(self, meter: str, reading: MeterReading | MeterError) -> bool:
        """Append what a meter shows; False where it could not be read (``nan``).

        Raises MeterError where the file cannot be written.
        """
        described = self._channels[meter]
        if isinstance(reading, MeterError):
            self._append(sample_lines(described, time.monotonic_ns(), {}))
            return False
        self._append(sample_lines(described, reading.time_ns, reading.values))
        return True

    def close(self) -> None:
        """Close the file. Raises MeterError where what is left cannot be written."""
        try:
            self._file.close()
        except OSError as error:
            raise MeterError(f"{self._path} cannot be written: {error}") from error

    def _append(self, text: str) -> None:
        try:
            self._file.write(text.encode())
            self._file.flush()
        except OSError as error:
            raise MeterError(f"{self._path} cannot be written: {error}") from error


def read_trace(path: Path) -> Trace:
    """The trace in a file, ``.gz`` or not.

    A compressed file that was cut off is read as far as it goes, and a note says so. Raises
    TraceError where it is no trace or contradicts itself, InputError where it cannot be read.
    """
    broken: list[str] = []
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as opened:
            file = cast("IO[bytes]", opened)
            trace = parse(_lines(file, broken, os.fspath(path)), os.fspath(path))
    except (OSError, zlib.error) as error:
        said = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read: {said}") from error
    return Trace(trace.period_s, trace.series, (*trace.notes, *broken))


def _lines(file: IO[bytes], broken: list[str], path: str) -> Iterator[str]:
    number = 0
    try:
        for line in file:
            number += 1
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
    except EOFError:
        broken.append(f"the compressed file is cut off after line {number}")
    except UnicodeDecodeError as error:
        raise TraceError(f"not text: {error}", Reason.READ_FAILED, number, path) from error
