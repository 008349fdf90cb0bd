"""What the reference (PyTorch eager, FP32) says: outputs to check conversions against, FLOPs.

FLOPs are counted once per input shape from the executed graph. Where a query's length is fixed they
are averaged over the queries: a property of the model and the data, the same for every setup. Where
the answer decides its length, they are those of a query before it and of each unit (token) of it,
and what was generated says how many there were (`wattmark.results.query_flops`).
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
    """FLOPs and the number of parameters.

    ``flops_per_query`` is the mean over the sample; None where ``open_ended`` names a phase whose
    units are to be counted: then query n takes ``fixed[n]`` and ``each[n]`` a unit of that phase.
    """

    flops_per_query: float | None
    parameters: int
    open_ended: str = ""
    fixed: Sequence[int] = ()
    each: Sequence[int] = ()


def build_reference(job: Job) -> dict[str, object]:
    """The *reference* job: write outputs and FLOPs unless they are there; whether they were."""
    return {"cached": build_once(job.reference, lambda folder: write_reference(job, folder))}


def write_reference(job: Job, folder: Path) -> None:
    """Run the reference on the check queries and count FLOPs, into ``folder``."""
    import torch

    from wattmark.frameworks.flops import QueryFlops, count_query_flops
    from wattmark.frameworks.torch_runners import reference_runners

    torch.set_num_threads(job.threads)
    model = registry.model(job.model, job.task)
    # outputs and FLOPs are of one and the same module, built once
    networks = [replace(network, build=cache(network.build)) for network in model.networks()]
    queries = load_inputs(job.inputs)
    runners = reference_runners(networks)
    pipeline = model.pipeline(dict(job.setup.options))
    outputs = {str(n): pipeline.probe(runners, queries[n]) for n in job.check_queries}
    flops: dict[Shape, QueryFlops] = {}
    for query in queries:
        if (shape := shape_of(query)) not in flops:
            flops[shape] = count_query_flops(networks, pipeline, query)
    counted = [flops[shape_of(query)] for query in queries]
    known = model.info().parameters
    open_ended = str(getattr(pipeline, "open_ended", ""))
    facts: dict[str, object] = {
        "flops_per_query": None if open_ended else sum(c.fixed for c in counted) / len(counted),
        "parameters": known or sum(p.numel() for n in networks for p in n.module().parameters()),
    }
    if open_ended:
        facts |= {
            "open_ended": open_ended,
            "fixed": [c.fixed for c in counted],
            "each": [c.each for c in counted],
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
