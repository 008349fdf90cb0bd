"""Other processes of this machine: their variables, what they have loaded, where they listen.

What belongs to another user cannot be read without rights; then nothing is known of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")

#: State of a listening socket in /proc/net/tcp (Linux, include/net/tcp_states.h).
_LISTENING = "0A"


def variables_of(pid: int, proc: Path = PROC) -> dict[str, str]:
    """Environment variables that a process was started with; empty where they cannot be read."""
    try:
        raw = (proc / str(pid) / "environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.decode(errors="replace").partition("=") for entry in raw.split(b"\0"))
    return {name: value for name, equals, value in pairs if equals}


def has_loaded(pid: int, library: str, proc: Path = PROC) -> bool:
    """Whether a library whose path holds this name is mapped into a process."""
    try:
        return library in (proc / str(pid) / "maps").read_text(errors="replace")
    except OSError:
        return False


def command_of(pid: int, proc: Path = PROC) -> str:
    """Name of a process's program, its first 15 characters; empty where there is no process."""
    try:
        return (proc / str(pid) / "comm").read_text(errors="replace").strip()
    except OSError:
        return ""


def listening(port: int, proc: Path = PROC) -> tuple[int, ...]:
    """Processes that listen on a TCP port of this machine, lowest id first.

    Empty where none does, or where the one that does may not be looked at.
    """
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port, proc)}
    if not sockets:
        return ()
    pids = sorted(int(folder.name) for folder in proc.iterdir() if folder.name.isdecimal())
    return tuple(pid for pid in pids if any(name in sockets for name in _files(pid, proc)))


def _listening_inodes(port: int, proc: Path) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            rows = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:  # sl local_address rem_address st ... inode is the tenth
            fields = row.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _files(pid: int, proc: Path) -> Iterator[str]:
    try:
        for entry in (proc / str(pid) / "fd").iterdir():
            yield str(entry.readlink())
    except OSError:  # it ended, or is another user's
        return
