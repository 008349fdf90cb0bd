"""What a model must offer: networks, how it is fed, and how it answers with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from wattmark.contracts.network import Inputs, Network, Output, Runners
from wattmark.records import ModelInfo

Mark = Callable[[str, int], None]
"""``mark(phase, units)``: the phase has just produced or processed so many units."""


class Pipeline(Protocol):
    """How one query is answered with a model's networks: the same code over every framework.

    ``phases`` names the parts of a query in order, each with its unit
    (``{"prefill": "token", "decode": "token"}``); it is empty where a query has no parts.
    """

    phases: Mapping[str, str]

    def __call__(self, runners: Runners, inputs: Inputs, mark: Mark) -> Output:
        """Answer one query (or one batch). Calls ``mark`` whenever a phase has produced units."""
        ...

    def probe(self, runners: Runners, inputs: Inputs) -> Output:
        """Numbers that equal networks give equally (FP32: to 1e-4 of the largest).

        Every network takes part; nothing discrete (a sampled token) decides what comes next.
        The last axis holds what an argmax may be taken over.
        """
        ...


class Model(Protocol):
    """Weights with an identity, how to feed them, and how they answer."""

    name: str
    task: str

    def info(self) -> ModelInfo:
        """Identity; ``digest`` covers every file that the weights are made of, and the limits
        (lengths, sizes) that shape its networks."""
        ...

    def networks(self) -> tuple[Network, ...]:
        """Its networks, for a batch of 1."""
        ...

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """How it answers. ``options`` are the setup's own (``tokens``, ``sampler``, ``steps``);
        raises UnsupportedSetupError for one that it does not know or a bad value."""
        ...

    def preprocess(self, examples: Sequence[Any]) -> list[Inputs]:
        """Turn the task's raw examples into inputs, padded to the smallest bucket that fits."""
        ...

    def postprocess(self, output: Output, inputs: Inputs) -> Any:
        """What the output for one query says in the task's terms: a text, boxes, an image."""
        ...
