"""ATen's operators on shapes, types and places, in JAX. Import this module late."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

_NARROW = {"int64": "int32", "float64": "float32"}


def dtype_of(name: str | None) -> Any:
    """JAX's type for one of ATen's: at most 32 bits."""
    return None if name is None else jnp.dtype(_NARROW.get(name, name))


def _expand(x: Array, shape: Sequence[int], implicit: bool = False) -> Array:
    kept = (1,) * (len(shape) - x.ndim) + x.shape
    return jnp.broadcast_to(x, [n if s == -1 else s for n, s in zip(kept, shape, strict=True)])


def _slice(x: Array, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Array:
    return x[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)]


def _slice_scatter(
    x: Array, rows: Array, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Array:
    return x.at[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)].set(rows)


def _select_scatter(x: Array, row: Array, dim: int, index: int) -> Array:
    return x.at[(slice(None),) * (dim % x.ndim) + (index,)].set(row)


def _split(x: Array, sizes: list[int], dim: int = 0) -> list[Array]:
    return jnp.split(x, list(itertools.accumulate(sizes))[:-1], axis=dim)


def _places(indices: Sequence[Array | None]) -> tuple[Any, ...]:
    return tuple(slice(None) if i is None else i for i in indices)


def _index(x: Array, indices: Sequence[Array | None]) -> Array:
    return x[_places(indices)]


def _index_put(
    x: Array, indices: Sequence[Array | None], values: Array, accumulate: bool = False
) -> Array:
    at = x.at[_places(indices)]
    return at.add(values) if accumulate else at.set(values)


def _index_select(x: Array, dim: int, index: Array) -> Array:
    return jnp.take(x, index, axis=dim, mode="clip")


def _gather(x: Array, dim: int, index: Array, sparse_grad: bool = False) -> Array:
    axis = dim % x.ndim
    kept = [slice(None) if d == axis else slice(n) for d, n in enumerate(index.shape)]
    return jnp.take_along_axis(x[tuple(kept)], index, axis=axis)


def _scatter(x: Array, dim: int, index: Array, values: Any) -> Array:
    """x with x[i, index[i, j], ...] = values[i, j, ...] for ``dim`` 1, and so on."""
    axis = dim % x.ndim
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    grid[axis] = index
    kept = tuple(slice(n) for n in index.shape)
    return x.at[tuple(grid)].set(values[kept] if jnp.ndim(values) else values)


def write_rows(x: Array, start: Array, rows: Array, axis: int) -> Array:
    """``rows.write``: one slice a batch entry, which XLA writes in place of a donated buffer."""
    for entry in range(x.shape[0]):
        place: list[Any] = [0] * x.ndim
        place[0], place[axis] = entry, start[entry]
        x = lax.dynamic_update_slice(x, rows[entry : entry + 1], place)
    return x


def _embedding(weight: Array, indices: Array, *_: Any) -> Array:
    return jnp.take(weight, indices, axis=0, mode="clip")


def _pad(x: Array, amounts: list[int], value: float = 0) -> Array:
    pairs = [(*amounts[i : i + 2], 0) for i in range(0, len(amounts), 2)][::-1]
    return lax.pad(x, jnp.asarray(value, x.dtype), [(0, 0, 0)] * (x.ndim - len(pairs)) + pairs)


def _full(shape: list[int], value: float, dtype: str | None = None) -> Array:
    return jnp.full(shape, value, dtype_of(dtype))


def _full_like(x: Array, value: float, dtype: str | None = None) -> Array:
    return jnp.full_like(x, value, dtype=dtype_of(dtype))


OPS: dict[str, Callable[..., Any]] = {
    "getitem": operator.getitem,
    "aten.view.default": jnp.reshape,
    "aten.permute.default": jnp.transpose,
    "aten.expand.default": _expand,
    "aten.slice.Tensor": _slice,
    "aten.slice_scatter.default": _slice_scatter,
    "aten.select.int": lambda x, dim, index: lax.index_in_dim(x, index, dim, keepdims=False),
    "aten.select_scatter.default": _select_scatter,
    "aten.cat.default": lambda tensors, dim=0: jnp.concatenate(tensors, axis=dim),
    "aten.stack.default": lambda tensors, dim=0: jnp.stack(tensors, axis=dim),
    "aten.split_with_sizes.default": _split,
    "aten.repeat.default": jnp.tile,
    "aten.flip.default": lambda x, dims: jnp.flip(x, axis=tuple(dims)),
    "aten.constant_pad_nd.default": _pad,
    "aten.index.Tensor": _index,
    "aten.index_put.default": _index_put,
    "aten.index_select.default": _index_select,
    "aten.gather.default": _gather,
    **dict.fromkeys(("aten.scatter.src", "aten.scatter.value"), _scatter),
    "rows.write": write_rows,
    "aten.embedding.default": _embedding,
    "aten._to_copy.default": lambda x, dtype=None: x.astype(dtype_of(dtype) or x.dtype),
    "aten.full.default": _full,
    "aten.full_like.default": _full_like,
}
