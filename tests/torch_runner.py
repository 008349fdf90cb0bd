"""A stateful network in PyTorch, by the contract and no faster than it must be."""

from __future__ import annotations

from typing import Any

import numpy as np

from wattmark.contracts import Inputs, Network


class TorchRunner:
    """Runs a network's module; ``lengths`` lists how many tokens each call was given."""

    def __init__(self, network: Network, batch: int = 1) -> None:
        self.network = network.with_batch(batch)
        self.module = network.module()
        self.lengths: list[int] = []

    def start(self, sizes: Any) -> Any:
        import torch

        return {
            spec.name: torch.zeros([sizes[n] if isinstance(n, str) else n for n in spec.shape])
            for spec in self.network.reads
        }

    def step(self, inputs: Inputs, state: Any) -> Any:
        import torch

        if "input_ids" in inputs:
            self.lengths.append(inputs["input_ids"].shape[1])
        given = [torch.from_numpy(np.asarray(inputs[s.name])) for s in self.network.inputs]
        with torch.inference_mode():
            output, *written = self.module(*given, *(state[s.name] for s in self.network.reads))
        names = [spec.name for spec in self.network.writes]
        return output.numpy(), {**state, **dict(zip(names, written, strict=True))}
