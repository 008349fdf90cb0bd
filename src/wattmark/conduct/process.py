"""The conductor's side of a worker: talk to it, wait for it in time, tell how it died."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wattmark.conduct.launcher import Launcher
from wattmark.errors import WorkerError
from wattmark.worker.jobs import Job, Reply
from wattmark.worker.messages import Channel

LAST_OUTPUT_CHARS = 4000
#: A worker that closed its channel is given so long to end by itself.
ENDING_S = 10.0
QUITTING_S = 5.0


class WorkerProcess:
    """One worker. Use as a context manager: leaving kills what is still alive."""

    def __init__(
        self,
        launcher: Launcher,
        job: Job,
        folder: Path,
        name: str,
        environment: Mapping[str, str],
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self._worker = launcher.start(job, folder, name, environment)
        self._channel: Channel | None = self._worker.channel

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def ask(self, message: dict[str, Any] | None, timeout_s: float) -> dict[str, Any]:
        """Send a command (None: just wait) and return the data of the reply.

        Raises WorkerError with a reason code and the end of the worker's output when it
        reports an error, dies, or does not answer in time; the process is then gone.
        """
        if (channel := self._channel) is None:
            raise WorkerError("gone", f"worker {self.name} was stopped", self.last_output())
        try:
            if message is not None:
                channel.send(message)
            answer = channel.receive(timeout_s)
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
        status = self._worker.wait(ENDING_S)
        if status is None:
            self._worker.kill()
            status = self._worker.wait()
        assert status is not None
        text = f"worker {self.name} {status.words}"
        return WorkerError(status.reason, text, self.last_output())

    def last_output(self) -> str:
        """The end of what the worker printed."""
        return self._worker.log()[-LAST_OUTPUT_CHARS:].strip()

    def quit(self) -> None:
        """Let it end by itself; kill it if it does not."""
        if self._channel is not None:
            try:
                self._channel.send({"do": "quit"})
                self._worker.wait(QUITTING_S)
            except WorkerError:
                pass  # it has ended already
        self.kill()

    def kill(self) -> None:
        """End it now, with all that it started, and free the pipes. Safe to call twice."""
        self._worker.kill()
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
