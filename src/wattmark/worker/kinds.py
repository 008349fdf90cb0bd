"""The kinds of jobs that a worker can be given, and the function that does each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wattmark.worker.artefact_build import build_artefact
from wattmark.worker.jobs import Job, answer
from wattmark.worker.messages import Channel
from wattmark.worker.reference_facts import build_reference
from wattmark.worker.worker import measure

Work = Callable[[Job, Channel], None]


def _once(do: Callable[[Job], dict[str, object]]) -> Work:
    """A job that is done, answered, and over."""

    def work(job: Job, channel: Channel) -> None:
        answer(channel, do(job))

    return work


KINDS: Mapping[str, Work] = {
    "prepare": _once(build_artefact),
    "reference": _once(build_reference),
    "measure": measure,
}
