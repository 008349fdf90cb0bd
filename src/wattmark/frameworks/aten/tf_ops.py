"""ATen's operators as native TensorFlow functions: one table, ``OPS``, and ``XLA_OPS`` for XLA.

Import this module late: it imports TensorFlow. Tensors are 32 bit: ``int64`` becomes ``int32``,
``float64`` becomes ``float32``. Operands come already promoted (see :mod:`capture`). Convolutions
come channels last (see :mod:`channels_last`), TensorFlow's best layout on a CPU. Where Grappler
knows a pattern (matrix product + bias + activation, convolution + bias + ReLU6), the rule
is written so that it finds it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from wattmark.errors import UnsupportedOpError
from wattmark.frameworks.aten import tf_images
from wattmark.frameworks.aten.rewrite import axes_of

Tensor = Any

_NARROW = {"int64": "int32", "float64": "float32"}


def _dtype(name: str) -> Any:
    return tf.as_dtype(_NARROW.get(name, name))


def _expand(x: Tensor, shape: Sequence[int], implicit: bool = False) -> Tensor:
    kept = [1] * (len(shape) - len(x.shape)) + list(x.shape)
    return tf.broadcast_to(x, [n if s == -1 else s for n, s in zip(kept, shape, strict=True)])


def _slice(x: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: Any = 1) -> Tensor:
    whole = slice(*slice(start, end, step).indices(x.shape[dim]))
    return x[(slice(None),) * (dim % len(x.shape)) + (whole,)]


def _select(x: Tensor, dim: int, index: int) -> Tensor:
    return x[(slice(None),) * (dim % len(x.shape)) + (index % x.shape[dim],)]


def _index(x: Tensor, indices: Sequence[Tensor | None]) -> Tensor:
    """Integer tensors in place of adjacent axes; they are broadcast against each other."""
    axes = [axis for axis, index in enumerate(indices) if index is not None]
    first, last = axes[0], axes[-1]
    if axes != list(range(first, last + 1)):
        raise UnsupportedOpError("aten.index.Tensor on axes that are not adjacent", "TensorFlow")
    sizes = x.shape[first : last + 1]
    present = [index for index in indices if index is not None]
    wrapped = [tf.where(i < 0, i + n, i) for i, n in zip(present, sizes, strict=True)]
    if len(wrapped) == 1:
        return tf.gather(x, wrapped[0], axis=first)
    shape = np.broadcast_shapes(*(tuple(i.shape) for i in wrapped))
    places = tf.stack([tf.broadcast_to(i, shape) for i in wrapped], axis=-1)
    rank, reach = len(x.shape), last - first + 1
    in_front = [*axes, *range(first), *range(last + 1, rank)]
    found = tf.gather_nd(tf.transpose(x, in_front), places)
    new = len(shape)
    back = [*range(new, new + first), *range(new), *range(new + first, new + rank - reach)]
    return tf.transpose(found, back)


def _gather(x: Tensor, dim: int, index: Tensor, sparse_grad: bool = False) -> Tensor:
    axis = dim % len(x.shape)
    kept = [slice(None) if d == axis else slice(n) for d, n in enumerate(index.shape)]
    axes = list(range(axis))
    rest = list(range(axis + 1, len(x.shape)))
    last = [*axes, *rest, axis]
    back = [*axes, len(x.shape) - 1, *(d - 1 for d in rest)]
    rows, places = tf.transpose(x[tuple(kept)], last), tf.transpose(index, last)
    found = tf.gather(rows, places, axis=-1, batch_dims=len(x.shape) - 1)
    return tf.transpose(found, back)


def _pad(x: Tensor, amounts: list[int], value: float = 0) -> Tensor:
    pairs = [amounts[i : i + 2] for i in range(0, len(amounts), 2)][::-1]
    pairs = [[0, 0]] * (len(x.shape) - len(pairs)) + pairs
    kept = [slice(max(0, -a), n - max(0, -b)) for (a, b), n in zip(pairs, x.shape, strict=True)]
    grown = [[max(0, a), max(0, b)] for a, b in pairs]
    inside = x[tuple(kept)] if min(map(min, pairs)) < 0 else x
    return tf.pad(inside, grown, constant_values=value)


def _add(x: Tensor, y: Any, alpha: float = 1) -> Tensor:
    return x + (y if alpha == 1 else y * alpha)


def _sub(x: Any, y: Any, alpha: float = 1) -> Tensor:
    return x - (y if alpha == 1 else y * alpha)


def _pow(x: Tensor, exponent: float) -> Tensor:
    named = {2: tf.square, 0.5: tf.sqrt, -0.5: tf.math.rsqrt, -1: tf.math.reciprocal}
    return named[exponent](x) if exponent in named else tf.pow(x, tf.cast(exponent, x.dtype))


def _clamp(x: Tensor, low: float | None = None, high: float | None = None) -> Tensor:
    x = x if low is None else tf.maximum(x, tf.cast(low, x.dtype))
    return x if high is None else tf.minimum(x, tf.cast(high, x.dtype))


def _hardtanh(x: Tensor, low: float = -1.0, high: float = 1.0) -> Tensor:
    return tf.nn.relu6(x) if (low, high) == (0, 6) else tf.clip_by_value(x, low, high)


def _elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    return tf.nn.elu(x) if alpha == 1 else tf.where(x > 0, x, alpha * tf.math.expm1(x))


def _compare(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def compare(x: Tensor, y: Any) -> Tensor:
        return function(x, y if tf.is_tensor(y) else tf.cast(y, x.dtype))

    return compare


def _bitwise(
    on_bool: Callable[..., Tensor], on_int: Callable[..., Tensor]
) -> Callable[..., Tensor]:
    def bitwise(x: Tensor, *others: Tensor) -> Tensor:
        return (on_bool if x.dtype == tf.bool else on_int)(x, *others)

    return bitwise


def _reduce(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def reduce(x: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
        x = x if dtype is None else tf.cast(x, _dtype(dtype))
        return function(x, axis=axes_of(dim, len(x.shape)), keepdims=keepdim)

    return reduce


def _argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    if dim is None:
        return tf.argmax(tf.reshape(x, [-1]), output_type=tf.int32)
    found = tf.argmax(x, axis=dim, output_type=tf.int32)
    return tf.expand_dims(found, dim) if keepdim else found


def _var(x: Tensor, dim: Any = None, correction: float = 1, keepdim: bool = False) -> Tensor:
    axes = axes_of(dim, len(x.shape))
    count = math.prod(x.shape[a] for a in axes)
    return tf.math.reduce_variance(x, axes, keepdims=keepdim) * (count / (count - correction))


def _vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    return tf.norm(x, ord=ord, axis=axes_of(dim, len(x.shape))[0], keepdims=keepdim)


def _cumsum(x: Tensor, dim: int, dtype: str | None = None) -> Tensor:
    return tf.cumsum(x if dtype is None else tf.cast(x, _dtype(dtype)), axis=dim)


def _addmm(bias: Tensor, x: Tensor, y: Tensor, beta: float = 1, alpha: float = 1) -> Tensor:
    product = tf.matmul(x, y)
    if len(bias.shape) == 1 and alpha == beta == 1:
        return tf.nn.bias_add(product, bias)
    return product * alpha + bias * beta


def _softmax(x: Tensor, dim: int, *_: Any) -> Tensor:
    return tf.nn.softmax(x, axis=dim)


def _layer_norm(x: Tensor, shape: list[int], weight: Any, bias: Any, eps: float) -> Tensor:
    """Written so that Grappler does not recognise it.

    ``tf.nn.moments`` with ``tf.nn.batch_normalization`` would be fused into oneDNN's layer
    normalisation, which (seen in TensorFlow 2.21) ignores ``eps`` and takes 0.001: outputs of a
    BERT with eps 1e-12 were wrong by 2 to 5 %. The fused form saves about 1 % of such a model.
    """
    axes = list(range(len(x.shape) - len(shape), len(x.shape)))
    centred = x - tf.reduce_mean(x, axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axes, keepdims=True)
    normal = centred * tf.math.rsqrt(variance + eps)
    normal = normal if weight is None else normal * weight
    return normal if bias is None else normal + bias


def _group_norm(
    x: Tensor, weight: Any, bias: Any, n: int, c: int, pixels: int, groups: int, eps: float
) -> Tensor:
    grouped = tf.reshape(x, [n, groups, -1])
    y = tf.reshape(_layer_norm(grouped, [1], None, None, eps), x.shape)
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


_COMPARISONS = {
    "eq": tf.equal,
    "ne": tf.not_equal,
    "lt": tf.less,
    "le": tf.less_equal,
    "gt": tf.greater,
    "ge": tf.greater_equal,
}
_AND = _bitwise(tf.logical_and, tf.bitwise.bitwise_and)
_OR = _bitwise(tf.logical_or, tf.bitwise.bitwise_or)
_NOT = _bitwise(tf.logical_not, tf.bitwise.invert)

OPS: dict[str, Callable[..., Any]] = {
    "getitem": operator.getitem,
    # shapes
    "aten.view.default": tf.reshape,
    "aten.permute.default": tf.transpose,
    "aten.expand.default": _expand,
    "aten.slice.Tensor": _slice,
    "aten.select.int": _select,
    "aten.cat.default": lambda tensors, dim=0: tf.concat(tensors, axis=dim),
    "aten.stack.default": lambda tensors, dim=0: tf.stack(tensors, axis=dim),
    "aten.split_with_sizes.default": lambda x, sizes, dim=0: tf.split(x, sizes, axis=dim),
    "aten.repeat.default": lambda x, times: tf.tile(
        tf.reshape(x, [1] * (len(times) - len(x.shape)) + list(x.shape)), times
    ),
    "aten.flip.default": lambda x, dims: tf.reverse(x, axis=dims),
    "aten.constant_pad_nd.default": _pad,
    "aten.index.Tensor": _index,
    "aten.gather.default": _gather,
    "aten.embedding.default": lambda weight, indices, *_: tf.gather(weight, indices),
    "aten._to_copy.default": lambda x, dtype=None: (
        x if dtype is None else tf.cast(x, _dtype(dtype))
    ),
    "aten.full.default": lambda shape, value, dtype="float32": tf.cast(
        tf.fill(shape, value), _dtype(dtype)
    ),
    "aten.full_like.default": lambda x, value, dtype=None: tf.fill(
        x.shape, tf.cast(value, x.dtype if dtype is None else _dtype(dtype))
    ),
    # arithmetic
    **{f"aten.add.{kind}": _add for kind in ("Tensor", "Scalar")},
    **{f"aten.sub.{kind}": _sub for kind in ("Tensor", "Scalar")},
    **{f"aten.mul.{kind}": operator.mul for kind in ("Tensor", "Scalar")},
    **{f"aten.div.{kind}": operator.truediv for kind in ("Tensor", "Scalar")},
    "aten.rsub.Scalar": lambda x, y, alpha=1: _sub(y, x, alpha),
    "aten.pow.Tensor_Scalar": _pow,
    "aten.pow.Tensor_Tensor": tf.pow,
    "aten.pow.Scalar": lambda base, x: tf.pow(tf.cast(base, x.dtype), x),
    "aten.maximum.default": tf.maximum,
    "aten.minimum.default": tf.minimum,
    "aten.neg.default": tf.negative,
    "aten.abs.default": tf.abs,
    "aten.reciprocal.default": tf.math.reciprocal,
    "aten.sqrt.default": tf.sqrt,
    "aten.rsqrt.default": tf.math.rsqrt,
    "aten.exp.default": tf.exp,
    "aten.log.default": tf.math.log,
    "aten.sin.default": tf.sin,
    "aten.cos.default": tf.cos,
    "aten.erf.default": tf.math.erf,
    "aten.clamp.default": _clamp,
    # comparison and logic
    **{f"aten.{name}.Tensor": function for name, function in _COMPARISONS.items()},
    **{f"aten.{name}.Scalar": _compare(function) for name, function in _COMPARISONS.items()},
    **dict.fromkeys(("aten.bitwise_and.Tensor", "aten.logical_and.default"), _AND),
    **dict.fromkeys(("aten.bitwise_or.Tensor", "aten.logical_or.default"), _OR),
    **dict.fromkeys(("aten.bitwise_not.default", "aten.logical_not.default"), _NOT),
    "aten.where.self": tf.where,
    # activations
    "aten.relu.default": tf.nn.relu,
    "aten.hardtanh.default": _hardtanh,
    "aten.leaky_relu.default": lambda x, slope=0.01: tf.nn.leaky_relu(x, slope),
    "aten.elu.default": _elu,
    "aten.gelu.default": lambda x, approximate="none": tf.nn.gelu(x, approximate != "none"),
    "aten.silu.default": tf.nn.silu,
    "aten.sigmoid.default": tf.sigmoid,
    "aten.tanh.default": tf.tanh,
    "aten.hardsigmoid.default": lambda x: tf.nn.relu6(x + 3) / 6,
    "aten.hardswish.default": lambda x: x * (tf.nn.relu6(x + 3) / 6),
    "aten._softmax.default": _softmax,
    "aten._log_softmax.default": lambda x, dim, *_: tf.nn.log_softmax(x, axis=dim),
    # reductions
    **dict.fromkeys(("aten.mean.dim", "aten.mean.default"), _reduce(tf.reduce_mean)),
    **dict.fromkeys(("aten.sum.dim_IntList", "aten.sum.default"), _reduce(tf.reduce_sum)),
    "aten.amax.default": _reduce(tf.reduce_max),
    "aten.amin.default": _reduce(tf.reduce_min),
    **dict.fromkeys(("aten.any.dim", "aten.any.dims", "aten.any.default"), _reduce(tf.reduce_any)),
    "aten.argmax.default": _argmax,
    "aten.var.correction": _var,
    "aten.linalg_vector_norm.default": _vector_norm,
    "aten.cumsum.default": _cumsum,
    # products and normalisation
    "aten.addmm.default": _addmm,
    **dict.fromkeys(("aten.mm.default", "aten.bmm.default"), tf.matmul),
    "aten.scaled_dot_product_attention.default": _attention,
    "aten.native_layer_norm.default": _layer_norm,
    "aten.native_group_norm.default": _group_norm,
    # images
    "channels_last.convolution": tf_images.convolution,
    "channels_last.depthwise_convolution": tf_images.depthwise_convolution,
    "channels_last.max_pool": tf_images.max_pool,
    "channels_last.avg_pool": tf_images.avg_pool,
}

XLA_OPS = OPS | {"channels_last.depthwise_convolution": tf_images.shifted_sum}
