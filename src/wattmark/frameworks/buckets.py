"""The shapes that a model's variable axes allow, and inputs of those shapes to trace with."""

from __future__ import annotations

from itertools import product

import numpy as np

from wattmark.contracts import Inputs, Model

Shapes = tuple[tuple[int, ...], ...]


def bucket_shapes(model: Model) -> list[Shapes]:
    """Every combination of input shapes that ``model.axes`` allows, smallest first.

    One entry holds the shape of each input, in the order of ``model.inputs``. A model without
    variable axes has exactly one.
    """
    axes = list(model.axes)
    combinations = (dict(zip(axes, sizes, strict=True)) for sizes in product(*model.axes.values()))
    return [
        tuple(
            tuple(size[axis] if isinstance(axis, str) else axis for axis in spec.shape)
            for spec in model.inputs
        )
        for size in combinations
    ]


def example_inputs(model: Model, shapes: Shapes) -> Inputs:
    """Inputs of those shapes, all ones: a valid token id, mask and pixel value alike."""
    return {
        spec.name: np.ones(shape, dtype=spec.dtype)
        for spec, shape in zip(model.inputs, shapes, strict=True)
    }
