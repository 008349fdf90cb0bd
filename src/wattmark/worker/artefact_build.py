"""The *prepare* job: convert a setup's networks into its artefact, unless that is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from wattmark import registry
from wattmark.contracts import Inputs, Network, Workspace
from wattmark.worker.artefacts import build_once, build_seconds, size_bytes
from wattmark.worker.jobs import Job
from wattmark.worker.quantisation_inputs import calibration_inputs


def build_artefact(job: Job) -> dict[str, object]:
    """Build the job's artefact: whether it was ``cached``, its ``seconds`` and ``bytes``."""
    framework = registry.framework(job.setup.framework)

    def build_network(network: Network, out: Path, calibration: Sequence[Inputs]) -> None:
        def shared(key: str, build: Callable[[Path], None]) -> Path:
            folder = job.shared / f"{network.name}-b{job.setup.batch}" / key
            build_once(folder, build)
            return folder

        out.mkdir()
        framework.prepare(Workspace(network, job.setup, out, shared, calibration, job.model))

    def build(out: Path) -> None:
        model = registry.model(job.model, job.task)
        calibration = calibration_inputs(job, model)
        for network in model.networks():
            widened = network.with_batch(job.setup.batch)
            build_network(widened, out / network.name, calibration.get(network.name, ()))

    cached = build_once(job.artefact, build)
    return {
        "cached": cached,
        "seconds": build_seconds(job.artefact),
        "bytes": size_bytes(job.artefact),
    }
