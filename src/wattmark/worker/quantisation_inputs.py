"""Real inputs of each network, for frameworks that quantise by the ranges that they see.

A network in the middle of a model (a decoder with its cache) is fed by the others. Its inputs are
had by answering queries with the reference and writing down what each network is called with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wattmark.contracts import Inputs, Model, Network, Output, State, StatefulRunner
from wattmark.worker.batches import batches
from wattmark.worker.inputs import load_inputs
from wattmark.worker.jobs import Job
from wattmark.worker.phases import unmarked

#: Calls kept of each network: the caches of a large model are tens of MB a call.
CALLS_PER_NETWORK = 64


def calibration_inputs(job: Job, model: Model) -> Mapping[str, Sequence[Inputs]]:
    """Inputs by network, widened to the setup's batch; empty for precisions that need none."""
    if not job.setup.precision.calibrated:
        return {}
    networks = [network.with_batch(job.setup.batch) for network in model.networks()]
    queries = load_inputs(job.calibration)
    cut = [b.inputs for b in batches(queries, range(len(queries)), job.setup.batch)]
    if len(networks) == 1 and not networks[0].stateful and takes(networks[0], cut[0]):
        return {networks[0].name: cut}
    from wattmark.frameworks.torch_runners import reference_runners

    kept: dict[str, list[Inputs]] = {network.name: [] for network in networks}
    spies = {
        network.name: Spy(network, runner, kept[network.name])
        for network, runner in zip(networks, reference_runners(networks).values(), strict=True)
    }
    answer = unmarked(model.pipeline(dict(job.setup.options)), spies)
    for inputs in cut:
        if all(len(calls) >= CALLS_PER_NETWORK for calls in kept.values()):
            break
        answer(inputs)
    return kept


def takes(network: Network, inputs: Inputs) -> bool:
    """Whether these are the network's own inputs."""
    return {spec.name for spec in network.inputs} == set(inputs)


class Spy:
    """A runner that writes down every eighth call of a query, beginning with the first.

    The first call of a decoder is the prefill; the many decode steps are much alike.
    """

    def __init__(self, network: Network, runner: Any, kept: list[Inputs]) -> None:
        self._network, self._runner, self._kept = network, runner, kept
        self._calls = 0

    def __call__(self, inputs: Inputs) -> Output:
        """As the runner."""
        self._keep(inputs, {})
        output: Output = self._runner(inputs)
        return output

    def start(self, sizes: Mapping[str, int]) -> State:
        """As the runner; a new query begins."""
        self._calls = 0
        stateful: StatefulRunner = self._runner
        return stateful.start(sizes)

    def step(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        """As the runner."""
        self._keep(inputs, state)
        stateful: StatefulRunner = self._runner
        return stateful.step(inputs, state)

    def _keep(self, inputs: Inputs, state: State) -> None:
        self._calls += 1
        if len(self._kept) < CALLS_PER_NETWORK and (self._calls - 1) % 8 == 0:
            own = {spec.name: np.array(inputs[spec.name]) for spec in self._network.inputs}
            read = {spec.name: np.array(state[spec.name]) for spec in self._network.reads}
            self._kept.append({**own, **read})
