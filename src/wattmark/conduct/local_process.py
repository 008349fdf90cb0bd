"""Workers that are child processes on this machine, each in a session of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from wattmark.conduct.launcher import ExitStatus
from wattmark.errors import WorkerError
from wattmark.worker.jobs import Job
from wattmark.worker.messages import Channel

_SIGNALS = {
    signal.SIGSEGV: ("segmentation_fault", "crashed with a segmentation fault"),
    signal.SIGBUS: ("bus_error", "crashed with a bus error"),
    signal.SIGABRT: ("aborted", "aborted itself"),
    signal.SIGILL: ("illegal_instruction", "hit an instruction that this CPU does not have"),
    signal.SIGKILL: ("killed", "was killed, most likely because memory ran out"),
    signal.SIGTERM: ("terminated", "was terminated"),
}


class LocalProcess:
    """Starts child processes with the environment of this one, and what the framework adds."""

    def start(
        self, job: Job, folder: Path, name: str, environment: Mapping[str, str]
    ) -> StartedProcess:
        """Start a child. Its job lies in ``NAME.json``, its output goes to ``NAME.log``."""
        job_path, log_path = folder / f"{name}.json", folder / f"{name}.log"
        job_path.write_text(job.model_dump_json())
        to_child_read, to_child_write = os.pipe()
        to_parent_read, to_parent_write = os.pipe()
        command = [sys.executable, "-m", "wattmark.worker", str(job_path)]
        channel = Channel(to_parent_read, to_child_write)
        try:
            with log_path.open("wb") as log:
                process = subprocess.Popen(
                    [*command, str(to_child_read), str(to_parent_write)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
                    pass_fds=(to_child_read, to_parent_write),
                    start_new_session=True,  # Ctrl-C reaches the conductor, which then decides
                )
        except OSError as error:
            channel.close()
            raise WorkerError("not_started", f"worker {name} cannot be started: {error}") from error
        finally:
            os.close(to_child_read)
            os.close(to_parent_write)
        return StartedProcess(process, channel, log_path)


class StartedProcess:
    """A child process that leads a session."""

    def __init__(self, process: subprocess.Popen[bytes], channel: Channel, log: Path) -> None:
        self.channel = channel
        self._process = process
        self._log = log

    def log(self) -> str:
        """All that was printed."""
        return self._log.read_text(errors="replace")

    def wait(self, timeout_s: float | None = None) -> ExitStatus | None:
        """How it ended; None where it still runs after ``timeout_s``."""
        try:
            return exit_status(self._process.wait(timeout_s))
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End the whole session, and wait for the child."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def exit_status(code: int) -> ExitStatus:
    """What a return code of `subprocess` means: a negative one is the signal that it died of."""
    if code >= 0:
        return ExitStatus("exited", f"exited with status {code}")
    if -code in _SIGNALS:
        return ExitStatus(*_SIGNALS[signal.Signals(-code)])
    return ExitStatus("signal", f"died of signal {-code}")


#: What starts workers where nothing else is asked for.
LOCAL = LocalProcess()
