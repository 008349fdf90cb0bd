"""The worker process: one setup, one framework, pinned to its cores, nothing else imported.

Run as ``python -m wattmark.worker JOB READ_FD WRITE_FD``. It pins itself before any framework is
imported, dies with its parent, does its job and answers over the channel.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import traceback
from pathlib import Path

from wattmark.errors import AssetError, InputError, UnknownNameError, reason_of
from wattmark.worker.jobs import Job, Reply
from wattmark.worker.messages import Channel

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Do the job named on the command line; returns the exit status."""
    die_with_parent()
    job_path, read_fd, write_fd = arguments
    job = Job.model_validate_json(Path(job_path).read_bytes())
    os.sched_setaffinity(0, job.cpus)
    os.chdir(Path(job_path).parent)  # some converters leave files where they stand
    logging.basicConfig(level=logging.INFO)
    channel = Channel(int(read_fd), int(write_fd))
    try:
        _work(job, channel)
    except Exception as error:  # noqa: BLE001 - whatever it was, the conductor must hear of it
        if not isinstance(error, InputError | AssetError):  # these say all in their message
            traceback.print_exc()
        sys.stderr.flush()
        reply = Reply(ok=False, error_type=reason_of(error), error=str(error) or repr(error))
        channel.send(reply.model_dump(mode="json"))
        return 1
    return 0


def _work(job: Job, channel: Channel) -> None:
    from wattmark.worker.kinds import KINDS  # not before the process is pinned

    if job.kind not in KINDS:
        raise UnknownNameError("kind of job", job.kind, KINDS)
    KINDS[job.kind](job, channel)


if __name__ == "__main__":
    sys.stdout.flush()
    status = main(sys.argv[1:])
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(status)  # frameworks' exit handlers take seconds and sometimes crash
