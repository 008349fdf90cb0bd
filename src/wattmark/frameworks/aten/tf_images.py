"""Operators on images as native TensorFlow functions, channels last.

What their arguments mean is written in :mod:`channels_last`. Import this module late: it imports
TensorFlow.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from wattmark.frameworks.aten.tf_layers import normalised

Tensor = Any


def convolution(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[list[int]],
    dilation: list[int],
    groups: int,
) -> Tensor:
    """A convolution, grouped or not, over one, two or three spatial axes."""
    window = kernel.shape[:-2]
    if len(window) == 2:
        where = _padding(x, window, stride, padding, dilation)
        y = tf.nn.conv2d(x, kernel, stride, where, dilations=dilation)
    else:
        padded = tf.pad(x, [[0, 0], *padding, [0, 0]]) if any(map(any, padding)) else x
        y = tf.nn.convolution(padded, kernel, stride, "VALID", dilations=dilation)
    return y if bias is None else tf.nn.bias_add(y, bias)


def _padding(
    x: Tensor,
    window: Sequence[int],
    stride: list[int],
    padding: list[list[int]],
    dilation: list[int],
) -> Any:
    """TensorFlow's name for the padding where it has one, as only named padding is fused."""
    if not any(map(any, padding)):
        return "VALID"
    same = []
    for n, k, s, d in zip(x.shape[1:-1], window, stride, dilation, strict=True):
        total = max((math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0)
        same.append([total // 2, total - total // 2])
    return "SAME" if same == padding else [[0, 0], *padding, [0, 0]]


def depthwise_convolution(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[list[int]],
    dilation: list[int],
) -> Tensor:
    """TensorFlow's own operator; it knows images only, one stride, and no stride with dilation.

    Padding that has no name is written apart: TensorFlow 2.21 aborts the process when Grappler
    infers the shape of a depthwise convolution with explicit padding.
    """
    dilated = max(dilation) > 1
    if len(kernel.shape) != 4 or len(set(stride)) > 1 or (dilated and max(stride) > 1):
        return shifted_sum(x, kernel, bias, stride, padding, dilation)
    where = _padding(x, kernel.shape[:2], stride, padding, dilation)
    if where not in ("SAME", "VALID"):
        x, where = tf.pad(x, where), "VALID"
    y = tf.nn.depthwise_conv2d(x, kernel, [1, *stride, 1], where, dilations=dilation)
    return y if bias is None else tf.nn.bias_add(y, bias)


def shifted_sum(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[list[int]],
    dilation: list[int],
) -> Tensor:
    """A depthwise convolution as a sum of shifted images, which XLA fuses into one loop.

    XLA's own grouped convolution on a CPU was seen to be 30 to 100 times slower.
    """
    *window, channels, multiplier = kernel.shape
    padded = tf.pad(x, [[0, 0], *padding, [0, 0]])
    terms = []
    for place in itertools.product(*(range(k) for k in window)):
        spans = [slice(None)]
        for n, k, s, d, p in zip(padded.shape[1:-1], window, stride, dilation, place, strict=True):
            spans.append(slice(p * d, n - (k - 1 - p) * d, s))
        terms.append(padded[tuple(spans)][..., None] * kernel[place])
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    y = tf.reshape(total, (*total.shape[:-2], channels * multiplier))
    return y if bias is None else tf.nn.bias_add(y, bias)


def transposed_convolution(
    x: Tensor, kernel: Tensor, bias: Tensor | None, stride: list[int], crop: list[list[int]]
) -> Tensor:
    """TensorFlow's own, without padding; then what padding means is cut off or added."""
    *window, channels, _ = kernel.shape
    size = [(n - 1) * s + k for n, s, k in zip(x.shape[1:-1], stride, window, strict=True)]
    shape = [x.shape[0], *(max(n, n - b) for n, (_, b) in zip(size, crop, strict=True)), channels]
    whole = [x.shape[0], *size, channels]
    y = tf.nn.conv_transpose(x, kernel, whole, stride, "VALID")
    y = tf.pad(y, [[0, m - n] for m, n in zip(shape, whole, strict=True)])
    inner = [slice(a, n - b) for n, (a, b) in zip(size, crop, strict=True)]
    y = y[(slice(None), *inner)]
    return y if bias is None else tf.nn.bias_add(y, bias)


def max_pool(
    x: Tensor,
    kernel: list[int],
    stride: list[int],
    padding: list[list[int]],
    dilation: list[int],
) -> Tensor:
    """The greatest value of each window; padding never wins."""
    where = _padding(x, kernel, stride, padding, dilation)
    if where not in ("SAME", "VALID"):
        x, where = tf.pad(x, where, constant_values=x.dtype.min), "VALID"
    return tf.nn.pool(x, kernel, "MAX", stride, where, dilations=dilation)


def mirrored_max_pool(
    x: Tensor,
    kernel: list[int],
    stride: list[int],
    padding: list[list[int]],
    dilation: list[int],
) -> Tensor:
    """The same without a number that means nothing, which would ruin a quantiser's range.

    A window that reaches no further beyond an edge than half of itself holds the pixels whose
    mirror images are there, so that they change nothing.
    """
    halves = all(2 * max(pair) <= k for pair, k in zip(padding, kernel, strict=True))
    if not halves or max(dilation) > 1:
        return max_pool(x, kernel, stride, padding, dilation)
    padded = tf.pad(x, [[0, 0], *padding, [0, 0]], "SYMMETRIC") if any(map(any, padding)) else x
    return tf.nn.pool(padded, kernel, "MAX", stride, "VALID")


def avg_pool(
    x: Tensor,
    kernel: list[int],
    stride: list[int],
    padding: list[list[int]],
    count_include_pad: bool,
) -> Tensor:
    """The mean of each window, with or without the padded places in the count."""
    if not any(map(any, padding)):
        return tf.nn.avg_pool(x, kernel, stride, "VALID")
    pairs = [[0, 0], *padding, [0, 0]]
    mean = tf.nn.avg_pool(tf.pad(x, pairs), kernel, stride, "VALID")
    if count_include_pad:
        return mean
    inside = np.pad(np.ones((1, *x.shape[1:-1], 1), np.float32), pairs)
    return mean / tf.nn.avg_pool(inside, kernel, stride, "VALID")


def upsample_nearest(x: Tensor, times: list[int]) -> Tensor:
    """Every pixel repeated along each spatial axis."""
    n, height, width, channels = x.shape
    wide = tf.tile(
        tf.reshape(x, [n * height, 1, width, 1, channels]), [1, times[0], 1, times[1], 1]
    )
    return tf.reshape(wide, [n, height * times[0], width * times[1], channels])


def group_norm(x: Tensor, weight: Any, bias: Any, groups: int, eps: float) -> Tensor:
    """Normalised over all pixels and the channels of a group."""
    grouped = tf.reshape(x, [x.shape[0], -1, groups, x.shape[-1] // groups])
    y = tf.reshape(normalised(grouped, [1, 3], eps), x.shape)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


OPS: dict[str, Callable[..., Any]] = {
    f"channels_last.{function.__name__}": function
    for function in (
        *(convolution, depthwise_convolution, transposed_convolution),
        *(max_pool, avg_pool, upsample_nearest, group_norm),
    )
}

#: what replaces the rules above where XLA compiles
XLA_OPS: dict[str, Callable[..., Any]] = {"channels_last.depthwise_convolution": shifted_sum}
#: what replaces the rules above in LiteRT
LITERT_OPS: dict[str, Callable[..., Any]] = {"channels_last.max_pool": mirrored_max_pool}
