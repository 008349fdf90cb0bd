"""What a verb that fails says, and what it returns: one sentence and an exit code.

2 is for what the user can mend by giving something else, 1 for everything else that can happen,
130 for Ctrl-C, 70 for a defect of Wattmark. This is the last place that an exception reaches;
where a file or a field is to be named, it is caught where that is read.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import NamedTuple

from wattmark.cli.exit_codes import DEFECT, INTERRUPTED
from wattmark.errors import WattmarkError, WorkerError

#: What to do where the system cannot open or write what was named; the exit code is 2.
_NAMED_WRONG = {
    errno.ENOENT: "look at the name, or make the folder",
    errno.ENOTDIR: "a part of the path is a file",
    errno.EISDIR: "name a file in it",
    errno.EEXIST: "give another name",
    errno.EACCES: "you may not read or write it",
    errno.EPERM: "you may not read or write it",
    errno.ENAMETOOLONG: "give a shorter one",
    errno.ELOOP: "its links lead in a circle",
    errno.EINVAL: "the name is no file's",
    errno.ENXIO: "it is no file that can be read or written",
    errno.ESPIPE: "name a file, not a pipe",
}
#: What to do where the machine is at its end; the exit code is 1.
_MACHINE = {
    errno.ENOSPC: "what was written is not complete; make room, or write elsewhere",
    errno.EDQUOT: "what was written is not complete; make room, or write elsewhere",
    errno.EROFS: "write elsewhere",
    errno.EMFILE: "close other programs, or raise `ulimit -n`",
    errno.EADDRINUSE: "choose another --port",
}
#: Packages whose exceptions are about what they were given, and what that was.
_ABOUT_INPUT = {"pydantic_core": "a value does not fit", "pyarrow": "a table cannot be used"}
_DATABASE = ("sqlalchemy", "sqlite3", "psycopg")


class Failure(NamedTuple):
    """What is said, and the exit code."""

    sentence: str
    exit_code: int


def failure(error: BaseException) -> Failure:
    """What to say of an exception, and what to return for it."""
    if isinstance(error, WattmarkError):
        return Failure(_with_output(error), error.exit_code)
    if isinstance(error, KeyboardInterrupt):
        return Failure("interrupted", INTERRUPTED)
    if isinstance(error, MemoryError):
        return Failure("the memory of this machine does not suffice for this", 1)
    if isinstance(error, OSError):
        return _of_system(error)
    if isinstance(error, UnicodeDecodeError):
        said = f"not {error.encoding} text (byte {error.start}): save it as UTF-8"
        return Failure(f"what was given is {said}", 2)
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("wattmark"):
        return Failure(f"the package {error.name} is not installed: pip install 'wattmark[all]'", 2)
    packages = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    if packages & set(_DATABASE):
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        return Failure(f"the database cannot be used: {reason}", 1)
    for package, said in _ABOUT_INPUT.items():
        if package in packages:
            return Failure(f"{said}: {_told(error)}", 2)
    return Failure(
        f"this is a defect of Wattmark, not of what you gave: {type(error).__name__}: "
        f"{_told(error)}. Please report it with the command, what `wattmark -vv` in place of "
        "`wattmark` shows for it, and `wattmark doctor --json`",
        DEFECT,
    )


def drop_output() -> None:
    """Send nowhere what is still to be printed: nobody reads it, or there is no room for it."""
    try:
        output = sys.stdout.fileno()
    except (OSError, ValueError):  # stdout is no file
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, output)
    os.close(nowhere)


def _of_system(error: OSError) -> Failure:
    said = os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
    where = error.filename2 or error.filename
    text = f"{os.fsdecode(where)}: {said}" if isinstance(where, str | bytes) else said
    number = error.errno or 0
    advice = _NAMED_WRONG.get(number) or _MACHINE.get(number)
    return Failure(f"{text}; {advice}" if advice else text, 2 if number in _NAMED_WRONG else 1)


def _told(error: BaseException) -> str:
    """What an exception of a library says, in one line."""
    problems = getattr(error, "errors", None)
    if callable(problems):
        from wattmark.records import problems_text

        return problems_text(error)  # type: ignore[arg-type]
    return " ".join(str(error).split()) or "it says no more"


def _with_output(error: WattmarkError) -> str:
    if isinstance(error, WorkerError) and error.last_output:
        return f"{error}\nThe worker's last output:\n{error.last_output}"
    return str(error)
