"""ATen's reductions, products, normalisation and attention in TensorFlow. Import this module late.

Where Grappler knows a pattern (matrix product + bias + activation), the rule is written so that it
finds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from wattmark.frameworks.aten.rewrite import axes_of
from wattmark.frameworks.aten.tf_shapes import dtype_of

Tensor = Any


def _reduce(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def reduce(x: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
        x = x if dtype is None else tf.cast(x, dtype_of(dtype))
        return function(x, axis=axes_of(dim, len(x.shape)), keepdims=keepdim)

    return reduce


def _argument(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def reduce(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
        if dim is None:
            return function(tf.reshape(x, [-1]), output_type=tf.int32)
        found = function(x, axis=dim, output_type=tf.int32)
        return tf.expand_dims(found, dim) if keepdim else found

    return reduce


def _with_place(
    extreme: Callable[..., Tensor], place: Callable[..., Tensor]
) -> Callable[..., tuple[Tensor, Tensor]]:
    def reduce(x: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
        return extreme(x, axis=dim, keepdims=keepdim), _argument(place)(x, dim, keepdim)

    return reduce


def _topk(
    x: Tensor, k: int, dim: int = -1, largest: bool = True, in_order: bool = True
) -> tuple[Tensor, Tensor]:
    axis = dim % len(x.shape)
    order = [d for d in range(len(x.shape)) if d != axis] + [axis]
    values, places = tf.math.top_k(tf.transpose(x if largest else -x, order), k)
    back = np.argsort(order)
    return tf.transpose(values if largest else -values, back), tf.transpose(places, back)


def _var(x: Tensor, dim: Any = None, correction: float = 1, keepdim: bool = False) -> Tensor:
    axes = axes_of(dim, len(x.shape))
    count = math.prod(x.shape[a] for a in axes)
    return tf.math.reduce_variance(x, axes, keepdims=keepdim) * (count / (count - correction))


def _vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    return tf.norm(x, ord=ord, axis=axes_of(dim, len(x.shape))[0], keepdims=keepdim)


def _cumsum(x: Tensor, dim: int, dtype: str | None = None) -> Tensor:
    return tf.cumsum(x if dtype is None else tf.cast(x, dtype_of(dtype)), axis=dim)


def _addmm(bias: Tensor, x: Tensor, y: Tensor, beta: float = 1, alpha: float = 1) -> Tensor:
    product = tf.matmul(x, y)
    if len(bias.shape) == 1 and alpha == beta == 1:
        return tf.nn.bias_add(product, bias)
    return product * alpha + bias * beta


def _softmax(x: Tensor, dim: int, *_: Any) -> Tensor:
    return tf.nn.softmax(x, axis=dim)


def normalised(x: Tensor, axes: list[int], eps: float) -> Tensor:
    """``x`` less its mean, over its standard deviation, so that Grappler does not recognise it.

    ``tf.nn.moments`` with ``tf.nn.batch_normalization`` would be fused into oneDNN's layer
    normalisation, which (seen in TensorFlow 2.21) ignores ``eps`` and takes 0.001: outputs of a
    BERT with eps 1e-12 were wrong by 2 to 5 %. The fused form saves about 1 % of such a model.
    """
    centred = x - tf.reduce_mean(x, axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axes, keepdims=True)
    return centred * tf.math.rsqrt(variance + eps)


def _layer_norm(x: Tensor, shape: list[int], weight: Any, bias: Any, eps: float) -> Tensor:
    normal = normalised(x, list(range(len(x.shape) - len(shape), len(x.shape))), eps)
    normal = normal if weight is None else normal * weight
    return normal if bias is None else normal + bias


def _group_norm(
    x: Tensor, weight: Any, bias: Any, n: int, c: int, pixels: int, groups: int, eps: float
) -> Tensor:
    y = tf.reshape(normalised(tf.reshape(x, [n, groups, -1]), [2], eps), x.shape)
    per_channel = (1, c, *[1] * (len(x.shape) - 2))
    y = y if weight is None else y * tf.reshape(weight, per_channel)
    return y if bias is None else y + tf.reshape(bias, per_channel)


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Softmax(q k^T scale + mask) v; query heads that share a key head are rows of one product.

    A mask of booleans becomes one of numbers, which Grappler computes once for all layers.
    """
    *batch, length, width = query.shape
    scores_shape = (*batch, length, key.shape[-2])
    query = query * (width**-0.5 if scale is None else scale)
    if enable_gqa:
        query = tf.reshape(query, (*key.shape[:-2], -1, width))
    scores = tf.matmul(query, key, transpose_b=True)
    if enable_gqa:
        scores = tf.reshape(scores, scores_shape)
    if is_causal:
        causal = np.tri(*scores_shape[-2:]) > 0
        scores = scores + np.where(causal, 0, scores.dtype.min).astype(scores.dtype.as_numpy_dtype)
    if attn_mask is not None and attn_mask.dtype == tf.bool:
        scores = scores + tf.where(attn_mask, tf.zeros((), scores.dtype), scores.dtype.min)
    elif attn_mask is not None:
        scores = scores + attn_mask
    weights = tf.nn.softmax(scores, axis=-1)
    if not enable_gqa:
        return tf.matmul(weights, value)
    weights = tf.reshape(weights, (*value.shape[:-2], -1, value.shape[-2]))
    return tf.reshape(tf.matmul(weights, value), (*batch, length, value.shape[-1]))


OPS: dict[str, Callable[..., Any]] = {
    # reductions
    **dict.fromkeys(("aten.mean.dim", "aten.mean.default"), _reduce(tf.reduce_mean)),
    **dict.fromkeys(("aten.sum.dim_IntList", "aten.sum.default"), _reduce(tf.reduce_sum)),
    "aten.prod.dim_int": _reduce(tf.reduce_prod),
    "aten.amax.default": _reduce(tf.reduce_max),
    "aten.amin.default": _reduce(tf.reduce_min),
    "aten.max.dim": _with_place(tf.reduce_max, tf.argmax),
    "aten.min.dim": _with_place(tf.reduce_min, tf.argmin),
    **dict.fromkeys(("aten.any.dim", "aten.any.dims", "aten.any.default"), _reduce(tf.reduce_any)),
    **dict.fromkeys(("aten.all.dim", "aten.all.dims", "aten.all.default"), _reduce(tf.reduce_all)),
    "aten.argmax.default": _argument(tf.argmax),
    "aten.argmin.default": _argument(tf.argmin),
    "aten.topk.default": _topk,
    "aten.var.correction": _var,
    "aten.linalg_vector_norm.default": _vector_norm,
    "aten.cumsum.default": _cumsum,
    # products, normalisation, attention
    "aten.addmm.default": _addmm,
    **dict.fromkeys(("aten.mm.default", "aten.bmm.default"), tf.matmul),
    "aten._softmax.default": _softmax,
    "aten._log_softmax.default": lambda x, dim, *_: tf.nn.log_softmax(x, axis=dim),
    "aten.native_layer_norm.default": _layer_norm,
    "aten.native_group_norm.default": _group_norm,
    "aten.scaled_dot_product_attention.default": _attention,
}
