"""The PyTorch reference, and how many tokens each of its calls was given."""

from __future__ import annotations

from typing import Any

from wattmark.contracts import Inputs, Network
from wattmark.frameworks.torch_runners import reference_runners


class TorchRunner:
    """Runs a stateful network's module; ``lengths`` lists the tokens of each call."""

    def __init__(self, network: Network, batch: int = 1) -> None:
        self.network = network.with_batch(batch)
        (self._runner,) = reference_runners([self.network]).values()
        self.lengths: list[int] = []

    def start(self, sizes: Any) -> Any:
        return self._runner.start(sizes)

    def step(self, inputs: Inputs, state: Any) -> Any:
        if "input_ids" in inputs:
            self.lengths.append(inputs["input_ids"].shape[1])
        return self._runner.step(inputs, state)
