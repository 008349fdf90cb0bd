"""What the reference (PyTorch eager, FP32) says: outputs to check conversions against, FLOPs.

FLOPs are counted once per input shape from the executed graph and averaged over the queries;
they are a property of the model and the data, the same for every setup.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wattmark import registry
from wattmark.contracts import Output
from wattmark.protocol.inputs import Shape, load_inputs, shape_of
from wattmark.protocol.jobs import Job


@dataclass(frozen=True)
class ReferenceFacts:
    """Mean FLOPs per query over the sample, and the number of parameters."""

    flops_per_query: float
    parameters: int


def write_reference(job: Job, folder: Path) -> None:
    """Run the reference on the check queries and count FLOPs, into ``folder``."""
    import torch

    from wattmark.frameworks.flops import count_flops

    torch.set_num_threads(job.threads)
    model = registry.model(job.model)
    queries = load_inputs(job.inputs)
    module = model.module()
    outputs = {}
    with torch.inference_mode():
        for number in job.check_queries:
            tensors = [torch.from_numpy(queries[number][spec.name]) for spec in model.inputs]
            outputs[str(number)] = module(*tensors).numpy()
    flops: dict[Shape, int] = {}
    for query in queries:
        if (shape := shape_of(query)) not in flops:
            flops[shape] = count_flops(model, query)
    facts = {
        "flops_per_query": sum(flops[shape_of(q)] for q in queries) / len(queries),
        "parameters": sum(p.numel() for p in module.parameters()),
    }
    np.savez(folder / "outputs.npz", **outputs)
    (folder / "facts.json").write_text(json.dumps(facts))


def reference_outputs(folder: Path, queries: Sequence[int]) -> list[Output]:
    """The reference's outputs for these query numbers."""
    with np.load(folder / "outputs.npz") as outputs:
        return [outputs[str(number)] for number in queries]


def reference_facts(folder: Path) -> ReferenceFacts:
    """FLOPs and parameters."""
    return ReferenceFacts(**json.loads((folder / "facts.json").read_text()))
