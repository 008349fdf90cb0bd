"""Every exception that Wattmark raises on purpose, and codes that carry a sentence.

* WattmarkError
  * InputError               what was given cannot be used: an option, a file, a name, a number
    * PlanError              a plan or suite that cannot be run: an unknown key, framework ...
    * UnknownNameError       a name that no installed plug-in has; carries the nearest names
    * RunNotFoundError       no such run in the store
    * RatingError            a population or rule that cannot be rated
    * ImpactError            a place, device or volume that no impact can be computed from
    * ExportError            a result that a format cannot hold, and in which field
    * TraceError             a recording of a meter that cannot be used, and in which line
  * MissingPackageError      packages that are not installed; names the extra to install
  * UnitError                arithmetic on quantities whose units do not fit
  * AssetError               a model or data file that could not be had
    * DigestMismatchError    a file whose sha256 is not the one that was pinned
    * CorruptArchiveError    an archive that cannot be read or lacks a member
  * FrameworkError           a framework that could not do what a setup asks
    * UnsupportedSetupError  this framework has no such mode or precision
    * UnsupportedOpError     an operator of the model that a converter does not know
    * ConversionError        a converted model whose outputs differ from the reference
  * MeterError               an instrument that could not be opened or read
    * MeterAccessError       an instrument that is there but may not be read
  * EndpointError            a server that gave no valid reply at all
  * LoadgenError             a test of MLPerf's LoadGen that left no log that can be read
  * WorkerError              a worker process that crashed, hung, ran out of memory or misbehaved
  * StoreError               a record that could not be written, read, or has an unknown version
  * BoardError               a board whose database or server cannot do what is asked
    * RefusedError           a request that a board does not grant; carries the HTTP status
  * SignalError              a live signal of the grid that could not be had

A message says what was wrong, where, and what to do about it. ``exit_code`` is what the
command line returns: 2 for what the user can mend (all of InputError, and what is said at other
classes), 1 for everything else. Files that cannot be read or written for the system's reasons may
also raise OSError, which names the path.

This module is public: its names and their parents stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from typing import Self

#: Longer lists of known names are not printed where there is other advice.
MOST_LISTED = 40


class SentenceCode(StrEnum):
    """A member is written ``NAME = "code", "Sentence."``; it equals its code."""

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        """A member that equals its code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member


class WattmarkError(Exception):
    """Base of all errors that Wattmark raises on purpose."""

    exit_code = 1


class InputError(WattmarkError):
    """What was given cannot be used; whoever gave it can mend it."""

    exit_code = 2


class PlanError(InputError):
    """A plan or suite that cannot be run."""


class UnknownNameError(InputError):
    """A name that nothing installed has.

    ``kind`` is what was looked for ("framework", "task" ...), ``name`` what was asked for,
    ``nearest`` the known names that look most like it, or as the caller gave them. ``hint`` says
    what else can be done; where nothing is near, it stands in for a long list of what is known.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        known: Iterable[str],
        *,
        nearest: Iterable[str] | None = None,
        hint: str = "",
    ) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(sorted(known))
        near = get_close_matches(name, self.known, n=3, cutoff=0.4) if nearest is None else nearest
        self.nearest = tuple(near)
        if self.nearest:
            advice = "did you mean " + " or ".join(repr(n) for n in self.nearest) + "?"
            advice += f" {hint}" if hint else ""
        elif self.known and not (hint and len(self.known) > MOST_LISTED):
            advice = "known: " + ", ".join(self.known) + (f"; {hint}" if hint else "")
        else:
            advice = hint or f"no {kind} is installed"
        super().__init__(f"unknown {kind} {name!r}: {advice}")


class MissingPackageError(WattmarkError):
    """Packages that are not installed; the message names the extra to install."""

    exit_code = 2


class UnitError(WattmarkError):
    """Arithmetic on quantities whose units do not fit together, or an unknown unit."""


class AssetError(WattmarkError):
    """A model or data file that could not be had."""


class DigestMismatchError(AssetError):
    """A file whose sha256 is not the one that was pinned."""


class CorruptArchiveError(AssetError):
    """An archive that cannot be read, or lacks a member that it should have."""


class FrameworkError(WattmarkError):
    """A framework that could not do what a setup asks."""


class UnsupportedSetupError(FrameworkError):
    """A mode or precision that the framework does not offer."""

    exit_code = 2


class UnsupportedOpError(FrameworkError):
    """An operator that a converter has no rule for; ``op`` is its full name."""

    def __init__(self, op: str, target: str) -> None:
        self.op = op
        super().__init__(
            f"the {target} converter has no rule for operator {op}: "
            f"add one to its op table, or choose another framework for this model"
        )


class ConversionError(FrameworkError):
    """A converted model whose outputs differ too much from the reference framework's."""


class MeterError(WattmarkError):
    """An instrument that could not be opened or read."""


class MeterAccessError(MeterError):
    """An instrument that is there but may not be read: rights or a secret are missing."""


class TraceError(InputError):
    """A recording of a meter that cannot be used.

    ``reason`` is the code (a :class:`~wattmark.quantities.Reason`), ``line`` the line of the file
    at fault (1 is the first), ``path`` the file where it is known.
    """

    def __init__(self, message: str, reason: str, line: int, path: str = "") -> None:
        self.message = message
        self.reason = reason
        self.line = line
        self.path = path
        super().__init__(f"{path or 'trace'}, line {line}: {message}")


class EndpointError(WattmarkError):
    """A server that could not be reached, or answered nothing that can be measured."""


class LoadgenError(WattmarkError):
    """A test of MLPerf's LoadGen that left no log that can be read."""


class WorkerError(WattmarkError):
    """A worker process that crashed, hung, ran out of memory or broke the protocol.

    ``reason`` is the machine-readable code, ``last_output`` the end of what it printed.
    """

    def __init__(self, reason: str, message: str, last_output: str = "") -> None:
        self.reason = reason
        self.last_output = last_output
        super().__init__(message)


class StoreError(WattmarkError):
    """A record that could not be written or read back."""


class RunNotFoundError(InputError):
    """No run of that name in the store."""


class BoardError(WattmarkError):
    """A board whose database cannot be opened, read or written, or that cannot be reached."""


class RefusedError(BoardError):
    """A request that a board does not grant.

    ``status`` is the HTTP status, ``code`` the machine-readable reason, ``retry_after_s`` in how
    many seconds the same request may be granted, where that is known.
    """

    exit_code = 2

    def __init__(
        self, status: int, code: str, message: str, *, retry_after_s: int | None = None
    ) -> None:
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s
        super().__init__(message)


class RatingError(InputError):
    """A population or rule that cannot be rated."""


class ImpactError(InputError):
    """A place, a device or a volume that impact cannot be computed from; names the field."""


class SignalError(WattmarkError):
    """A live signal of the grid that could not be had; the yearly average stands in for it."""


class ExportError(InputError):
    """A result that an export format cannot hold; names the field."""


def reason_of(error: BaseException) -> str:
    """Machine-readable code of an error: a worker's own, else its class in snake case.

    ``Error`` at the end of the class's name is left out: ``ConversionError`` is ``conversion``.
    """
    if isinstance(error, WorkerError):
        return error.reason
    if isinstance(error, MemoryError):
        return "out_of_memory"
    name = type(error).__name__.removesuffix("Error") or "error"
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
