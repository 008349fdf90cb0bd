"""What held-out texts cost a loaded setup: nats a text, kept by artefact and continued.

Texts are taken in their order until a time limit, and what is known of the artefact is not asked
again: two setups are compared over the texts that both have, the first of them. A later execution,
or a later run, goes on where this one stopped.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmark.assets import write_whole
from wattmark.contracts import HeldOutText, Runners
from wattmark.pipelines.greedy import NO_TOKEN
from wattmark.records import content_digest
from wattmark.worker.batches import joined
from wattmark.worker.inputs import load_inputs, query_digest, save_inputs
from wattmark.worker.jobs import Job

_FOLLOWING = "following"


def held_out_digest(texts: Sequence[HeldOutText]) -> str:
    """Identity of these texts in their order; "" of none."""
    if not texts:
        return ""
    return content_digest([[query_digest(t.inputs), t.following.tolist()] for t in texts])


def save_held_out(texts: Sequence[HeldOutText], folder: Path) -> None:
    """Write them for the workers, all as long as the longest."""
    longest = max((text.following.shape[1] for text in texts), default=0)

    def filled(row: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.pad(row, ((0, 0), (0, longest - row.shape[1])), constant_values=NO_TOKEN)

    save_inputs([{**t.inputs, _FOLLOWING: filled(t.following)} for t in texts], folder)


def losses_file(cache: Path, artefact: str, digest: str) -> Path:
    """Where an artefact's losses on the texts of this digest are kept."""
    return cache / "losses" / f"{artefact}-{digest[:16]}.json"


def read_losses(file: Path) -> NDArray[np.float64]:
    """Nats of each text so far; none where the file is missing or damaged."""
    try:
        found = np.array(json.loads(file.read_bytes()), np.float64)
    except (OSError, ValueError, TypeError):
        return np.empty(0)
    return found if found.ndim == 1 and np.isfinite(found).all() else np.empty(0)


def continue_losses(job: Job, pipeline: Any, runners: Runners) -> None:
    """Ask for the texts that are not known yet, until the job's time limit."""
    if job.held_out is None or job.losses is None:
        return
    texts = load_inputs(job.held_out)
    known = read_losses(job.losses).tolist()
    latest = time.monotonic() + job.losses_limit_s
    size = job.setup.batch
    while len(known) < len(texts) and time.monotonic() < latest:
        numbers = list(range(len(known), min(len(known) + size, len(texts))))
        filled = [numbers[i % len(numbers)] for i in range(size)]
        inputs = dict(joined(texts, filled).inputs)
        following = inputs.pop(_FOLLOWING)
        used = int((following != NO_TOKEN).any(axis=0).sum())
        nats = pipeline.losses(runners, inputs, following[:, :used]).sum(axis=1)
        known += nats[: len(numbers)].tolist()
        write_whole(job.losses, json.dumps(known))
