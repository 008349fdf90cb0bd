"""Operators on images as native JAX functions, channels last.

What their arguments mean is written in :mod:`channels_last`. Import this module late: it imports
JAX.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from wattmark.frameworks.aten.jax_layers import normalised


def convolution(
    x: Array,
    kernel: Array,
    bias: Array | None,
    stride: list[int],
    padding: list[list[int]],
    dilation: list[int],
    groups: int,
) -> Array:
    """A convolution, grouped or not, over one, two or three spatial axes."""
    one_pixel = set(kernel.shape[:-2]) == {1}
    if one_pixel and groups == 1 and set(stride) == {1} and not any(map(any, padding)):
        y = x @ kernel.reshape(kernel.shape[-2:])
    else:
        spatial = "DHW"[5 - x.ndim :]
        y = lax.conv_general_dilated(
            x,
            kernel,
            stride,
            padding,
            rhs_dilation=dilation,
            feature_group_count=groups,
            dimension_numbers=(f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"),
        )
    return y if bias is None else y + bias


def depthwise_convolution(
    x: Array,
    kernel: Array,
    bias: Array | None,
    stride: list[int],
    padding: list[list[int]],
    dilation: list[int],
) -> Array:
    """A sum of shifted images, one for each kernel position, which XLA fuses into one loop.

    XLA's own grouped convolution on a CPU was seen to be 30 to 100 times slower.
    """
    *window, channels, multiplier = kernel.shape
    padded = lax.pad(
        x, jnp.zeros((), x.dtype), [(0, 0, 0), *((a, b, 0) for a, b in padding), (0, 0, 0)]
    )
    spans = [
        [(p * d, p * d + (n - (k - 1) * d - 1) // s * s + 1) for p in range(k)]
        for n, k, s, d in zip(padded.shape[1:-1], window, stride, dilation, strict=True)
    ]
    total: Any = 0
    for place in itertools.product(*(range(k) for k in window)):
        corners = [spans[axis][p] for axis, p in enumerate(place)]
        shifted = lax.slice(
            padded,
            (0, *(c[0] for c in corners), 0),
            (x.shape[0], *(c[1] for c in corners), channels),
            (1, *stride, 1),
        )
        total = total + shifted[..., None] * kernel[place]
    y = total.reshape(*total.shape[:-2], channels * multiplier)
    return y if bias is None else y + bias


def transposed_convolution(
    x: Array, kernel: Array, bias: Array | None, stride: list[int], crop: list[list[int]]
) -> Array:
    """The gradient of a convolution: of the image with zeros between its pixels."""
    window = kernel.shape[:-2]
    spatial = "DHW"[5 - x.ndim :]
    y = lax.conv_general_dilated(
        x,
        jnp.flip(kernel, axis=tuple(range(len(window)))),
        [1] * len(window),
        [(k - 1 - a, k - 1 - b) for k, (a, b) in zip(window, crop, strict=True)],
        lhs_dilation=stride,
        dimension_numbers=(f"N{spatial}C", f"{spatial}OI", f"N{spatial}C"),
    )
    return y if bias is None else y + bias


def max_pool(
    x: Array,
    kernel: list[int],
    stride: list[int],
    padding: list[list[int]],
    dilation: list[int],
) -> Array:
    """The greatest value of each window; padding never wins."""
    return lax.reduce_window(
        x,
        np.array(-np.inf, x.dtype),
        lax.max,
        (1, *kernel, 1),
        (1, *stride, 1),
        [(0, 0), *map(tuple, padding), (0, 0)],
        window_dilation=(1, *dilation, 1),
    )


def avg_pool(
    x: Array,
    kernel: list[int],
    stride: list[int],
    padding: list[list[int]],
    count_include_pad: bool,
) -> Array:
    """The mean of each window, with or without the padded places in the count."""
    window = ((1, *kernel, 1), (1, *stride, 1), [(0, 0), *map(tuple, padding), (0, 0)])
    zero = np.zeros((), x.dtype)
    total = lax.reduce_window(x, zero, lax.add, *window)
    if count_include_pad:
        return total / math.prod(kernel)
    return total / lax.reduce_window(jnp.ones_like(x), zero, lax.add, *window)


def upsample_nearest(x: Array, times: list[int]) -> Array:
    """Every pixel repeated along each spatial axis."""
    for axis, count in enumerate(times, start=1):
        x = jnp.repeat(x, count, axis=axis) if count > 1 else x
    return x


def group_norm(x: Array, weight: Any, bias: Any, groups: int, eps: float) -> Array:
    """Normalised over all pixels and the channels of a group."""
    grouped = x.reshape(x.shape[0], -1, groups, x.shape[-1] // groups)
    y = normalised(grouped, (1, 3), eps).reshape(x.shape)
    y = y if weight is None else y * weight
    return (y if bias is None else y + bias).astype(x.dtype)


OPS: dict[str, Callable[..., Any]] = {
    f"channels_last.{function.__name__}": function
    for function in (
        *(convolution, depthwise_convolution, transposed_convolution),
        *(max_pool, avg_pool, upsample_nearest, group_norm),
    )
}
