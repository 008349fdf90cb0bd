"""The sizes that a network's variable axes take, and tensors of those sizes to trace with.

Shapes are those of ``network.inputs`` followed by those of ``network.reads``: what the reference
module's forward takes, in order. The batch is whatever the specs say (``Network.with_batch``).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import prod

import numpy as np

from wattmark.contracts import Inputs, InputSpec, Network
from wattmark.errors import FrameworkError

Shapes = tuple[tuple[int, ...], ...]


def bucket_sizes(network: Network) -> list[dict[str, int]]:
    """The sizes of all axes, for each combination that may occur, smallest first.

    That is ``network.sizes`` where it is given, else every combination of ``network.axes``; a
    network without variable axes has exactly one, which is empty.
    """
    if network.sizes:
        return sorted((dict(sizes) for sizes in network.sizes), key=lambda s: prod(s.values()))
    return [
        dict(zip(network.axes, sizes, strict=True)) for sizes in product(*network.axes.values())
    ]


def shape_at(spec: InputSpec, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The spec's shape at these sizes. Raises FrameworkError where an axis has no size."""
    try:
        return tuple(sizes[axis] if isinstance(axis, str) else axis for axis in spec.shape)
    except KeyError as error:
        raise FrameworkError(
            f"the tensor {spec.name!r} {spec.shape} has an axis {error} of which no size is given; "
            f"given: {dict(sizes)}"
        ) from None


def bucket_shapes(network: Network) -> list[Shapes]:
    """The shapes of inputs and reads, in order, for each of ``bucket_sizes(network)``."""
    return [
        tuple(shape_at(spec, sizes) for spec in (*network.inputs, *network.reads))
        for sizes in bucket_sizes(network)
    ]


def example_inputs(network: Network, shapes: Shapes) -> Inputs:
    """Valid inputs and reads of those shapes.

    Ones (a token id, a mask and a pixel alike), but zeros for state, which is how it starts, and
    for integers without an axis beside the batch: those are positions, and 1 may be out of range.
    """
    state = {spec.name for spec in network.reads}

    def example(spec: InputSpec, shape: tuple[int, ...]) -> np.ndarray:
        position = len(shape) < 2 and np.issubdtype(np.dtype(spec.dtype), np.integer)
        fill = np.zeros if position or spec.name in state else np.ones
        return fill(shape, dtype=spec.dtype)

    specs = (*network.inputs, *network.reads)
    return {spec.name: example(spec, shape) for spec, shape in zip(specs, shapes, strict=True)}


def initial_state(network: Network, sizes: Mapping[str, int]) -> Inputs:
    """Zeros for all that the network reads, at these sizes: what ``start`` gives, on the host.

    An axis that has only one size need not be given.
    """
    only = {axis: choices[0] for axis, choices in network.axes.items() if len(choices) == 1}
    known = {**only, **sizes}
    return {spec.name: np.zeros(shape_at(spec, known), dtype=spec.dtype) for spec in network.reads}
