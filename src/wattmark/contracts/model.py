"""What a model must offer: networks, how it is fed, and how it answers with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class HeldOutText:
    """A text that a model is judged by and not asked: its beginning as a query's ``inputs``, the
    tokens (1, n) int64 that follow, how many ``bytes`` of UTF-8 these are, and how many tokens the
    model chooses from (``vocabulary``)."""

    inputs: Inputs
    following: NDArray[np.int64]
    bytes: int
    vocabulary: int


class Model(Protocol):
    """Weights with an identity, how to feed them, and how they answer.

    A model that generates text may also have ``held_out(texts)``: for (beginning, continuation)
    pairs the :class:`HeldOutText` of those that it has room for, and its pipeline ``losses(runners,
    inputs, following)``, nats a token (batch, n). It is then judged by bits per byte.
    """

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
