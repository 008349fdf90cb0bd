"""ATen's reductions, products, normalisation and attention in JAX. Import this module late.

What is summed over many numbers is summed in 32 bits also where the numbers have 16.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from wattmark.frameworks.aten.jax_shapes import dtype_of
from wattmark.frameworks.aten.rewrite import axes_of


def _reduce(function: Callable[..., Array]) -> Callable[..., Array]:
    def reduce(x: Array, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Array:
        return function(x, axis=axes_of(dim, x.ndim), keepdims=keepdim, dtype=dtype_of(dtype))

    return reduce


def _extreme(function: Callable[..., Array]) -> Callable[..., Array]:
    def reduce(x: Array, dim: Any = None, keepdim: bool = False) -> Array:
        return function(x, axis=axes_of(dim, x.ndim), keepdims=keepdim)

    return reduce


def _argument(function: Callable[..., Array]) -> Callable[..., Array]:
    return lambda x, dim=None, keepdim=False: function(x, dim, keepdims=keepdim)


def _with_place(
    extreme: Callable[..., Array], place: Callable[..., Array]
) -> Callable[..., tuple[Array, Array]]:
    def reduce(x: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
        return extreme(x, axis=dim, keepdims=keepdim), place(x, axis=dim, keepdims=keepdim)

    return reduce


def _topk(
    x: Array, k: int, dim: int = -1, largest: bool = True, in_order: bool = True
) -> tuple[Array, Array]:
    moved = jnp.moveaxis(x if largest else -x, dim, -1)
    values, places = lax.top_k(moved, k)
    values = values if largest else -values
    return jnp.moveaxis(values, -1, dim), jnp.moveaxis(places, -1, dim)


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


def _softmax(x: Array, dim: int, *_: Any) -> Array:
    return jax.nn.softmax(x.astype(jnp.float32), axis=dim).astype(x.dtype)


def _log_softmax(x: Array, dim: int, *_: Any) -> Array:
    return jax.nn.log_softmax(x.astype(jnp.float32), axis=dim).astype(x.dtype)


def _addmm(bias: Array, x: Array, y: Array, beta: float = 1, alpha: float = 1) -> Array:
    product = x @ y
    return (product if alpha == 1 else product * alpha) + (bias if beta == 1 else bias * beta)


def normalised(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    """``x`` less its mean, over its standard deviation; float32."""
    wide = x.astype(jnp.float32)
    centred = wide - jnp.mean(wide, axis=axes, keepdims=True)
    variance = jnp.mean(centred * centred, axis=axes, keepdims=True)
    return centred * lax.rsqrt(variance + eps)


def _layer_norm(x: Array, shape: list[int], weight: Any, bias: Any, eps: float) -> Array:
    normal = normalised(x, tuple(range(x.ndim - len(shape), x.ndim)), eps)
    normal = normal if weight is None else normal * weight
    return (normal if bias is None else normal + bias).astype(x.dtype)


def _group_norm(
    x: Array, weight: Any, bias: Any, n: int, c: int, pixels: int, groups: int, eps: float
) -> Array:
    y = normalised(x.reshape(n, groups, -1), (2,), eps).reshape(x.shape)
    per_channel = (1, c, *[1] * (x.ndim - 2))
    y = y if weight is None else y * weight.reshape(per_channel)
    return (y if bias is None else y + bias.reshape(per_channel)).astype(x.dtype)


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
    scores = jnp.matmul(query, jnp.swapaxes(key, -1, -2), preferred_element_type=jnp.float32)
    scores = jnp.reshape(scores, scores_shape)
    lowest = jnp.finfo(scores.dtype).min
    if is_causal:
        scores = jnp.where(np.tri(*scores_shape[-2:]) > 0, scores, lowest)
    if attn_mask is not None and attn_mask.dtype == bool:
        scores = jnp.where(attn_mask, scores, lowest)
    elif attn_mask is not None:
        scores = scores + attn_mask
    weights = jax.nn.softmax(scores, axis=-1).astype(value.dtype)
    if enable_gqa:
        weights = weights.reshape(*value.shape[:-2], -1, value.shape[-2])
    return (weights @ value).reshape(*batch, length, value.shape[-1])


OPS: dict[str, Callable[..., Any]] = {
    # reductions
    **dict.fromkeys(("aten.mean.dim", "aten.mean.default"), _reduce(jnp.mean)),
    **dict.fromkeys(("aten.sum.dim_IntList", "aten.sum.default"), _reduce(jnp.sum)),
    "aten.prod.dim_int": _reduce(jnp.prod),
    "aten.amax.default": _extreme(jnp.max),
    "aten.amin.default": _extreme(jnp.min),
    "aten.max.dim": _with_place(jnp.max, jnp.argmax),
    "aten.min.dim": _with_place(jnp.min, jnp.argmin),
    **dict.fromkeys(("aten.any.dim", "aten.any.dims", "aten.any.default"), _extreme(jnp.any)),
    **dict.fromkeys(("aten.all.dim", "aten.all.dims", "aten.all.default"), _extreme(jnp.all)),
    "aten.argmax.default": _argument(jnp.argmax),
    "aten.argmin.default": _argument(jnp.argmin),
    "aten.topk.default": _topk,
    "aten.var.correction": _var,
    "aten.linalg_vector_norm.default": _vector_norm,
    "aten.cumsum.default": lambda x, dim, dtype=None: jnp.cumsum(x, dim, dtype_of(dtype)),
    # products, normalisation, attention
    "aten.addmm.default": _addmm,
    **dict.fromkeys(("aten.mm.default", "aten.bmm.default"), jnp.matmul),
    "aten._softmax.default": _softmax,
    "aten._log_softmax.default": _log_softmax,
    "aten.native_layer_norm.default": _layer_norm,
    "aten.native_group_norm.default": _group_norm,
    "aten.scaled_dot_product_attention.default": _attention,
}
