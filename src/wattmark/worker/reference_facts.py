"""What the reference (PyTorch eager, FP32) says: outputs to check conversions against, FLOPs.

FLOPs are counted once per input shape from the executed graph and averaged over the queries;
they are a property of the model and the data, the same for every setup.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from wattmark import registry
from wattmark.contracts import Output
from wattmark.worker.artefacts import build_once
from wattmark.worker.inputs import Shape, load_inputs, shape_of
from wattmark.worker.jobs import Job


@dataclass(frozen=True)
class ReferenceFacts:
    """Mean FLOPs per query over the sample, and the number of parameters."""

    flops_per_query: float
    parameters: int


def build_reference(job: Job) -> dict[str, object]:
    """The *reference* job: write outputs and FLOPs unless they are there; whether they were."""
    return {"cached": build_once(job.reference, lambda folder: write_reference(job, folder))}


def write_reference(job: Job, folder: Path) -> None:
    """Run the reference on the check queries and count FLOPs, into ``folder``."""
    import torch

    from wattmark.frameworks.flops import count_flops
    from wattmark.frameworks.torch_runners import reference_runners

    torch.set_num_threads(job.threads)
    model = registry.model(job.model, job.task)
    # outputs and FLOPs are of one and the same module, built once
    networks = [replace(network, build=cache(network.build)) for network in model.networks()]
    queries = load_inputs(job.inputs)
    runners = reference_runners(networks)
    pipeline = model.pipeline(dict(job.setup.options))
    outputs = {str(n): pipeline.probe(runners, queries[n]) for n in job.check_queries}
    flops: dict[Shape, int] = {}
    for query in queries:
        if (shape := shape_of(query)) not in flops:
            flops[shape] = count_flops(networks, pipeline, query)
    known = model.info().parameters
    facts = {
        "flops_per_query": sum(flops[shape_of(q)] for q in queries) / len(queries),
        "parameters": known or sum(p.numel() for n in networks for p in n.module().parameters()),
    }
    np.savez(folder / "outputs.npz", allow_pickle=False, **outputs)
    (folder / "facts.json").write_text(json.dumps(facts))


def reference_outputs(folder: Path, queries: Sequence[int]) -> list[Output]:
    """The reference's outputs for these query numbers."""
    with np.load(folder / "outputs.npz") as outputs:
        return [outputs[str(number)] for number in queries]


def reference_facts(folder: Path) -> ReferenceFacts:
    """FLOPs and parameters."""
    return ReferenceFacts(**json.loads((folder / "facts.json").read_text()))
