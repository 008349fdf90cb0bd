"""The conductor's side of a worker process: start it, talk to it, tell how it died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from wattmark.errors import WorkerError
from wattmark.worker.jobs import Job, Reply
from wattmark.worker.messages import Channel

LAST_OUTPUT_CHARS = 4000

_SIGNALS = {
    signal.SIGSEGV: ("segmentation_fault", "crashed with a segmentation fault"),
    signal.SIGBUS: ("bus_error", "crashed with a bus error"),
    signal.SIGABRT: ("aborted", "aborted itself"),
    signal.SIGILL: ("illegal_instruction", "hit an instruction that this CPU does not have"),
    signal.SIGKILL: ("killed", "was killed, most likely because memory ran out"),
    signal.SIGTERM: ("terminated", "was terminated"),
}


class WorkerProcess:
    """One child process. Use as a context manager: leaving kills what is still alive."""

    def __init__(self, job: Job, folder: Path, name: str, environment: dict[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log = folder / f"{name}.log"
        job_path = folder / f"{name}.json"
        job_path.write_text(job.model_dump_json())
        to_child_read, to_child_write = os.pipe()
        to_parent_read, to_parent_write = os.pipe()
        command = [sys.executable, "-m", "wattmark.worker.worker", str(job_path)]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, str(to_child_read), str(to_parent_write)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
                pass_fds=(to_child_read, to_parent_write),
                start_new_session=True,  # Ctrl-C reaches the conductor, which then decides
            )
        os.close(to_child_read)
        os.close(to_parent_write)
        self._channel = Channel(to_parent_read, to_child_write)

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def ask(self, message: dict[str, Any] | None, timeout_s: float) -> dict[str, Any]:
        """Send a command (None: just wait) and return the data of the reply.

        Raises WorkerError with a reason code and the end of the worker's output when it
        reports an error, dies, or does not answer in time; the process is then gone.
        """
        try:
            if message is not None:
                self._channel.send(message)
            answer = self._channel.receive(timeout_s)
        except WorkerError as error:
            if error.reason == "hang":
                self.kill()
                raise WorkerError(
                    "hang",
                    f"worker {self.name} did not answer within {timeout_s:g} s and was stopped",
                    self.last_output(),
                ) from None
            answer = None
        if answer is None:
            raise self._death()
        reply = Reply.model_validate(answer)
        if not reply.ok:
            self.kill()
            raise WorkerError(reply.error_type, reply.error, self.last_output())
        return reply.data

    def _death(self) -> WorkerError:
        try:
            status = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()
            status = -signal.SIGKILL
        if status < 0 and -status in _SIGNALS:
            reason, text = _SIGNALS[signal.Signals(-status)]
        elif status < 0:
            reason, text = "signal", f"died of signal {-status}"
        else:
            reason, text = "exited", f"exited with status {status}"
        return WorkerError(reason, f"worker {self.name} {text}", self.last_output())

    def last_output(self) -> str:
        """The end of what the worker printed."""
        return self.log.read_text(errors="replace")[-LAST_OUTPUT_CHARS:].strip()

    def quit(self) -> None:
        """Let it end by itself; kill it if it does not."""
        try:
            self._channel.send({"do": "quit"})
            self._process.wait(timeout=5)
        except (WorkerError, subprocess.TimeoutExpired):
            pass
        self.kill()

    def kill(self) -> None:
        """End it now, with all that it started, and free the pipes. Safe to call twice."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._channel is not None:
            channel, self._channel = self._channel, None  # type: ignore[assignment]
            channel.close()
