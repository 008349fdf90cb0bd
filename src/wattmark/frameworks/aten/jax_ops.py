"""ATen's operators as native JAX functions: one table, ``OPS``.

Import this module late: it imports JAX. Tensors are 32 bit, as is JAX's default: ``int64``
becomes ``int32``, ``float64`` becomes ``float32``. Operands come already promoted (see
:mod:`capture`), so a Python number never widens. Convolutions come channels last (see
:mod:`channels_last`).
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from wattmark.frameworks.aten import jax_images
from wattmark.frameworks.aten.rewrite import axes_of

_NARROW = {"int64": "int32", "float64": "float32"}


def _dtype(name: str | None) -> Any:
    return None if name is None else jnp.dtype(_NARROW.get(name, name))


def _expand(x: Array, shape: Sequence[int], implicit: bool = False) -> Array:
    kept = (1,) * (len(shape) - x.ndim) + x.shape
    return jnp.broadcast_to(x, [n if s == -1 else s for n, s in zip(kept, shape, strict=True)])


def _slice(x: Array, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Array:
    return x[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)]


def _split(x: Array, sizes: list[int], dim: int = 0) -> list[Array]:
    return jnp.split(x, list(itertools.accumulate(sizes))[:-1], axis=dim)


def _index(x: Array, indices: Sequence[Array | None]) -> Array:
    return x[tuple(slice(None) if i is None else i for i in indices)]


def _gather(x: Array, dim: int, index: Array, sparse_grad: bool = False) -> Array:
    axis = dim % x.ndim
    kept = [slice(None) if d == axis else slice(n) for d, n in enumerate(index.shape)]
    return jnp.take_along_axis(x[tuple(kept)], index, axis=axis)


def _embedding(weight: Array, indices: Array, *_: Any) -> Array:
    return jnp.take(weight, indices, axis=0, mode="clip")


def _pad(x: Array, amounts: list[int], value: float = 0) -> Array:
    pairs = [(*amounts[i : i + 2], 0) for i in range(0, len(amounts), 2)][::-1]
    return lax.pad(x, jnp.asarray(value, x.dtype), [(0, 0, 0)] * (x.ndim - len(pairs)) + pairs)


def _add(x: Any, y: Any, alpha: float = 1) -> Array:
    return x + (y if alpha == 1 else y * alpha)


def _sub(x: Any, y: Any, alpha: float = 1) -> Array:
    return x - (y if alpha == 1 else y * alpha)


def _pow(x: Array, exponent: float) -> Array:
    if exponent == 0.5:
        return jnp.sqrt(x)
    if float(exponent).is_integer():
        return lax.integer_pow(x, int(exponent))
    return jnp.power(x, exponent)


def _clamp(x: Array, low: float | None = None, high: float | None = None) -> Array:
    return jnp.clip(x, low, high)


def _softmax(x: Array, dim: int, *_: Any) -> Array:
    return jax.nn.softmax(x, axis=dim)


def _reduce(function: Callable[..., Array]) -> Callable[..., Array]:
    def reduce(x: Array, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Array:
        return function(x, axis=axes_of(dim, x.ndim), keepdims=keepdim, dtype=_dtype(dtype))

    return reduce


def _compare(function: Callable[..., Array]) -> Callable[..., Array]:
    def reduce(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
        return function(x, axis=axes_of(dim, x.ndim), keepdims=keepdim)

    return reduce


def _var(x: Array, dim: Any = None, correction: int = 1, keepdim: bool = False) -> Array:
    return jnp.var(x, axis=axes_of(dim, x.ndim), ddof=correction, keepdims=keepdim)


def _vector_norm(x: Array, ord: float = 2, dim: Any = None, keepdim: bool = False) -> Array:
    axes = axes_of(dim, x.ndim)
    if ord == 2:
        return jnp.sqrt(jnp.sum(x * x, axis=axes, keepdims=keepdim))
    if math.isinf(ord):
        extreme = jnp.max if ord > 0 else jnp.min
        return extreme(jnp.abs(x), axis=axes, keepdims=keepdim)
    return jnp.sum(jnp.abs(x) ** ord, axis=axes, keepdims=keepdim) ** (1 / ord)


def _addmm(bias: Array, x: Array, y: Array, beta: float = 1, alpha: float = 1) -> Array:
    product = x @ y
    return (product if alpha == 1 else product * alpha) + (bias if beta == 1 else bias * beta)


def _layer_norm(x: Array, shape: list[int], weight: Any, bias: Any, eps: float) -> Array:
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    centred = x - jnp.mean(x, axis=axes, keepdims=True)
    variance = jnp.mean(centred * centred, axis=axes, keepdims=True)
    normal = centred * lax.rsqrt(variance + eps)
    normal = normal if weight is None else normal * weight
    return normal if bias is None else normal + bias


def _group_norm(
    x: Array, weight: Any, bias: Any, n: int, c: int, pixels: int, groups: int, eps: float
) -> Array:
    grouped = x.reshape(n, groups, -1)
    y = _layer_norm(grouped, [grouped.shape[-1]], None, None, eps).reshape(x.shape)
    per_channel = (1, c, *[1] * (x.ndim - 2))
    y = y if weight is None else y * weight.reshape(per_channel)
    return y if bias is None else y + bias.reshape(per_channel)


def _attention(
    query: Array,
    key: Array,
    value: Array,
    attn_mask: Array | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Array:
    """Softmax(q k^T scale + mask) v; query heads that share a key head are rows of one product."""
    *batch, length, width = query.shape
    scores_shape = (*batch, length, key.shape[-2])
    query = query * (width**-0.5 if scale is None else scale)
    if enable_gqa:
        query = query.reshape(*key.shape[:-2], -1, width)
    scores = jnp.reshape(query @ jnp.swapaxes(key, -1, -2), scores_shape)
    lowest = jnp.finfo(scores.dtype).min
    if is_causal:
        scores = jnp.where(np.tri(*scores_shape[-2:]) > 0, scores, lowest)
    if attn_mask is not None and attn_mask.dtype == bool:
        scores = jnp.where(attn_mask, scores, lowest)
    elif attn_mask is not None:
        scores = scores + attn_mask
    weights = jax.nn.softmax(scores, axis=-1)
    if enable_gqa:
        weights = weights.reshape(*value.shape[:-2], -1, value.shape[-2])
    return (weights @ value).reshape(*batch, length, value.shape[-1])


def _full(shape: list[int], value: float, dtype: str | None = None) -> Array:
    return jnp.full(shape, value, _dtype(dtype))


def _full_like(x: Array, value: float, dtype: str | None = None) -> Array:
    return jnp.full_like(x, value, dtype=_dtype(dtype))


_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")

OPS: dict[str, Callable[..., Any]] = {
    "getitem": operator.getitem,
    # shapes
    "aten.view.default": jnp.reshape,
    "aten.permute.default": jnp.transpose,
    "aten.expand.default": _expand,
    "aten.slice.Tensor": _slice,
    "aten.select.int": lambda x, dim, index: lax.index_in_dim(x, index, dim, keepdims=False),
    "aten.cat.default": lambda tensors, dim=0: jnp.concatenate(tensors, axis=dim),
    "aten.stack.default": lambda tensors, dim=0: jnp.stack(tensors, axis=dim),
    "aten.split_with_sizes.default": _split,
    "aten.repeat.default": jnp.tile,
    "aten.flip.default": lambda x, dims: jnp.flip(x, axis=tuple(dims)),
    "aten.constant_pad_nd.default": _pad,
    "aten.index.Tensor": _index,
    "aten.gather.default": _gather,
    "aten.embedding.default": _embedding,
    "aten._to_copy.default": lambda x, dtype=None: x.astype(_dtype(dtype) or x.dtype),
    "aten.full.default": _full,
    "aten.full_like.default": _full_like,
    # arithmetic
    **{f"aten.add.{kind}": _add for kind in ("Tensor", "Scalar")},
    **{f"aten.sub.{kind}": _sub for kind in ("Tensor", "Scalar")},
    **{f"aten.mul.{kind}": operator.mul for kind in ("Tensor", "Scalar")},
    **{f"aten.div.{kind}": operator.truediv for kind in ("Tensor", "Scalar")},
    "aten.rsub.Scalar": lambda x, y, alpha=1: _sub(y, x, alpha),
    "aten.pow.Tensor_Scalar": _pow,
    "aten.pow.Tensor_Tensor": jnp.power,
    "aten.pow.Scalar": jnp.power,
    "aten.maximum.default": jnp.maximum,
    "aten.minimum.default": jnp.minimum,
    "aten.neg.default": operator.neg,
    "aten.abs.default": jnp.abs,
    "aten.reciprocal.default": jnp.reciprocal,
    "aten.sqrt.default": jnp.sqrt,
    "aten.rsqrt.default": lax.rsqrt,
    "aten.exp.default": jnp.exp,
    "aten.log.default": jnp.log,
    "aten.sin.default": jnp.sin,
    "aten.cos.default": jnp.cos,
    "aten.erf.default": lax.erf,
    "aten.clamp.default": _clamp,
    # comparison and logic
    **{f"aten.{n}.Tensor": getattr(operator, n) for n in _COMPARISONS},
    **{f"aten.{n}.Scalar": getattr(operator, n) for n in _COMPARISONS},
    **dict.fromkeys(("aten.bitwise_and.Tensor", "aten.logical_and.default"), operator.and_),
    **dict.fromkeys(("aten.bitwise_or.Tensor", "aten.logical_or.default"), operator.or_),
    **dict.fromkeys(("aten.bitwise_not.default", "aten.logical_not.default"), operator.invert),
    "aten.where.self": jnp.where,
    # activations
    "aten.relu.default": jax.nn.relu,
    "aten.hardtanh.default": lambda x, low=-1.0, high=1.0: jnp.clip(x, low, high),
    "aten.leaky_relu.default": lambda x, slope=0.01: jax.nn.leaky_relu(x, slope),
    "aten.elu.default": lambda x, alpha=1.0: jax.nn.elu(x, alpha),
    "aten.gelu.default": lambda x, approximate="none": jax.nn.gelu(x, approximate != "none"),
    "aten.silu.default": jax.nn.silu,
    "aten.sigmoid.default": jax.nn.sigmoid,
    "aten.tanh.default": jnp.tanh,
    "aten.hardsigmoid.default": jax.nn.hard_sigmoid,
    "aten.hardswish.default": jax.nn.hard_swish,
    "aten._softmax.default": _softmax,
    "aten._log_softmax.default": lambda x, dim, *_: jax.nn.log_softmax(x, axis=dim),
    # reductions
    **dict.fromkeys(("aten.mean.dim", "aten.mean.default"), _reduce(jnp.mean)),
    **dict.fromkeys(("aten.sum.dim_IntList", "aten.sum.default"), _reduce(jnp.sum)),
    "aten.amax.default": _compare(jnp.max),
    "aten.amin.default": _compare(jnp.min),
    **dict.fromkeys(("aten.any.dim", "aten.any.dims", "aten.any.default"), _compare(jnp.any)),
    "aten.argmax.default": lambda x, dim=None, keepdim=False: jnp.argmax(x, dim, keepdims=keepdim),
    "aten.var.correction": _var,
    "aten.linalg_vector_norm.default": _vector_norm,
    "aten.cumsum.default": lambda x, dim, dtype=None: jnp.cumsum(x, dim, _dtype(dtype)),
    # products and normalisation
    "aten.addmm.default": _addmm,
    **dict.fromkeys(("aten.mm.default", "aten.bmm.default"), jnp.matmul),
    "aten.scaled_dot_product_attention.default": _attention,
    "aten.native_layer_norm.default": _layer_norm,
    "aten.native_group_norm.default": _group_norm,
    # images
    "channels_last.convolution": jax_images.convolution,
    "channels_last.depthwise_convolution": jax_images.depthwise_convolution,
    "channels_last.max_pool": jax_images.max_pool,
    "channels_last.avg_pool": jax_images.avg_pool,
}
