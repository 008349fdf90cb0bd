"""What a converted model has answered before: quality over all queries, even in a short run.

An answer belongs to what gave it (the artefact's key, which covers model, framework, precision
and calibration, and the setup's options) and to the query's own arrays. A run scores the answers
that it timed. Where its budget ended before a query came up, the answer that the same artefact
gave in an earlier run stands in, and the result says how many did. Answers are kept, not scores:
a changed label or metric takes effect at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wattmark.assets import write_whole
from wattmark.contracts import Task
from wattmark.records import Setup, content_digest
from wattmark.worker.artefacts import locked

#: Bump when answers come to be something else: another postprocessing, another text.
ANSWERS_VERSION = 1

Answer = tuple[str, float]


class KnownAnswers:
    """The answers of one artefact with one set of options, in a file of the cache.

    ``digests`` are those of all queries of the run (``inputs.query_digest``), by their number.
    """

    def __init__(self, cache: Path, artefact: str, setup: Setup) -> None:
        about = {"version": ANSWERS_VERSION, "artefact": artefact, "options": setup.options}
        self._file = cache / "answers" / f"{content_digest(about)[:24]}.json"

    def completed(
        self,
        timed: Mapping[int, Answer],
        digests: Sequence[str],
        labels: Sequence[Any],
        task: Task,
    ) -> dict[int, Answer]:
        """``timed``, and what was answered before to every other query that has a label."""
        known = self._read()
        answers = dict(timed)
        for number, digest in enumerate(digests):
            asked = number in timed or labels[number] is None
            text = None if asked else known.get(digest)
            if text is not None:
                answers[number] = (text, task.score(text, labels[number]))
        return answers

    def remember(self, timed: Mapping[int, str], digests: Sequence[str]) -> None:
        """Keep these answers, by query number; the newest counts."""
        with locked(self._file):
            known = self._read() | {digests[n]: text for n, text in timed.items()}
            write_whole(self._file, json.dumps(known))

    def _read(self) -> dict[str, str]:
        """All that is kept; nothing where the file is missing or damaged."""
        try:
            found = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
