"""ATen's operators on shapes, types and places, in TensorFlow. Import this module late."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from wattmark.errors import UnsupportedOpError

Tensor = Any

_NARROW = {"int64": "int32", "float64": "float32"}


def dtype_of(name: str) -> Any:
    """TensorFlow's type for one of ATen's: at most 32 bits."""
    return tf.as_dtype(_NARROW.get(name, name))


def _expand(x: Tensor, shape: Sequence[int], implicit: bool = False) -> Tensor:
    kept = [1] * (len(shape) - len(x.shape)) + list(x.shape)
    return tf.broadcast_to(x, [n if s == -1 else s for n, s in zip(kept, shape, strict=True)])


def _slice(x: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: Any = 1) -> Tensor:
    whole = slice(*slice(start, end, step).indices(x.shape[dim]))
    return x[(slice(None),) * (dim % len(x.shape)) + (whole,)]


def _select(x: Tensor, dim: int, index: int) -> Tensor:
    return x[(slice(None),) * (dim % len(x.shape)) + (index % x.shape[dim],)]


def _slice_scatter(
    x: Tensor, rows: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: Any = 1
) -> Tensor:
    axis = dim % len(x.shape)
    places = range(*slice(start, end, step).indices(x.shape[axis]))
    order = [axis, *(d for d in range(len(x.shape)) if d != axis)]
    index = np.array(places, np.int32)[:, None]
    written = tf.tensor_scatter_nd_update(tf.transpose(x, order), index, tf.transpose(rows, order))
    return tf.transpose(written, np.argsort(order))


def _select_scatter(x: Tensor, row: Tensor, dim: int, index: int) -> Tensor:
    axis = dim % len(x.shape)
    place = index % x.shape[axis]
    return _slice_scatter(x, tf.expand_dims(row, axis), axis, place, place + 1)


def _places(
    x: Tensor, indices: Sequence[Tensor | None]
) -> tuple[Tensor, list[int], tuple[int, ...]]:
    """Coordinates along adjacent axes, those axes in front of the others, and the new shape."""
    axes = [axis for axis, index in enumerate(indices) if index is not None]
    first, last = axes[0], axes[-1]
    if axes != list(range(first, last + 1)):
        raise UnsupportedOpError("aten.index.Tensor on axes that are not adjacent", "TensorFlow")
    sizes = x.shape[first : last + 1]
    present = [index for index in indices if index is not None]
    wrapped = [tf.where(i < 0, i + n, i) for i, n in zip(present, sizes, strict=True)]
    shape = np.broadcast_shapes(*(tuple(i.shape) for i in wrapped))
    coordinates = tf.stack([tf.broadcast_to(i, shape) for i in wrapped], axis=-1)
    in_front = [*axes, *range(first), *range(last + 1, len(x.shape))]
    return coordinates, in_front, shape


def _index(x: Tensor, indices: Sequence[Tensor | None]) -> Tensor:
    """Integer tensors in place of adjacent axes; they are broadcast against each other."""
    axes = [axis for axis, index in enumerate(indices) if index is not None]
    if len(axes) == 1:
        (index,) = (i for i in indices if i is not None)
        return tf.gather(x, tf.where(index < 0, index + x.shape[axes[0]], index), axis=axes[0])
    places, in_front, shape = _places(x, indices)
    first, reach, rank = axes[0], len(axes), len(x.shape)
    found = tf.gather_nd(tf.transpose(x, in_front), places)
    new = len(shape)
    back = [*range(new, new + first), *range(new), *range(new + first, new + rank - reach)]
    return tf.transpose(found, back)


def _index_put(
    x: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Tensor:
    places, in_front, shape = _places(x, indices)
    first, new = in_front[0], len(shape)
    rest = [x.shape[axis] for axis in in_front[places.shape[-1] :]]
    # the index's axes stand where the indexed ones were
    result = [*rest[:first], *shape, *rest[first:]]
    order = [*range(first, first + new), *range(first), *range(first + new, len(result))]
    rows = tf.transpose(tf.broadcast_to(values, result), order)
    write = tf.tensor_scatter_nd_add if accumulate else tf.tensor_scatter_nd_update
    return tf.transpose(write(tf.transpose(x, in_front), places, rows), np.argsort(in_front))


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


def _scatter(x: Tensor, dim: int, index: Tensor, values: Any) -> Tensor:
    """x with x[i, index[i, j], ...] = values[i, j, ...] for ``dim`` 1, and so on."""
    shape = tuple(index.shape)
    grid: list[Any] = [np.broadcast_to(g, shape) for g in np.ogrid[tuple(map(slice, shape))]]
    grid[dim % len(shape)] = index
    places = tf.stack([tf.cast(g, tf.int32) for g in grid], axis=-1)
    if tf.is_tensor(values):
        values = values[tuple(map(slice, shape))]
    else:
        values = tf.fill(shape, tf.cast(values, x.dtype))
    return tf.tensor_scatter_nd_update(x, places, values)


def _write_rows(x: Tensor, start: Tensor, rows: Tensor, axis: int) -> Tensor:
    """``rows.write`` by coordinates of all axes up to the one that is written."""
    shape = tuple(rows.shape[: axis + 1])
    grid: list[Any] = [
        np.broadcast_to(g, shape).astype(np.int32) for g in np.ogrid[tuple(map(slice, shape))]
    ]
    grid[axis] += tf.reshape(start, [-1] + [1] * axis)
    return tf.tensor_scatter_nd_update(x, tf.stack(grid, axis=-1), rows)


def _write_slices(x: Tensor, start: Tensor, rows: Tensor, axis: int) -> Tensor:
    """``rows.write`` for XLA and LiteRT, which have an operator for it: one a batch entry."""
    from tensorflow.compiler.tf2xla.python import xla

    for entry in range(x.shape[0]):
        place: list[Any] = [0] * len(x.shape)
        place[0], place[axis] = entry, start[entry]
        x = xla.dynamic_update_slice(x, rows[entry : entry + 1], tf.stack(place))
    return x


def _pad(x: Tensor, amounts: list[int], value: float = 0) -> Tensor:
    pairs = [amounts[i : i + 2] for i in range(0, len(amounts), 2)][::-1]
    pairs = [[0, 0]] * (len(x.shape) - len(pairs)) + pairs
    kept = [slice(max(0, -a), n - max(0, -b)) for (a, b), n in zip(pairs, x.shape, strict=True)]
    grown = [[max(0, a), max(0, b)] for a, b in pairs]
    inside = x[tuple(kept)] if min(map(min, pairs)) < 0 else x
    return tf.pad(inside, grown, constant_values=value)


OPS: dict[str, Callable[..., Any]] = {
    "getitem": operator.getitem,
    "aten.view.default": tf.reshape,
    "aten.permute.default": tf.transpose,
    "aten.expand.default": _expand,
    "aten.slice.Tensor": _slice,
    "aten.slice_scatter.default": _slice_scatter,
    "aten.select.int": _select,
    "aten.select_scatter.default": _select_scatter,
    "aten.cat.default": lambda tensors, dim=0: tf.concat(tensors, axis=dim),
    "aten.stack.default": lambda tensors, dim=0: tf.stack(tensors, axis=dim),
    "aten.split_with_sizes.default": lambda x, sizes, dim=0: tf.split(x, sizes, axis=dim),
    "aten.repeat.default": lambda x, times: tf.tile(
        tf.reshape(x, [1] * (len(times) - len(x.shape)) + list(x.shape)), times
    ),
    "aten.flip.default": lambda x, dims: tf.reverse(x, axis=dims),
    "aten.constant_pad_nd.default": _pad,
    "aten.index.Tensor": _index,
    "aten.index_put.default": _index_put,
    "aten.index_select.default": lambda x, dim, index: tf.gather(x, index, axis=dim),
    "aten.gather.default": _gather,
    **dict.fromkeys(("aten.scatter.src", "aten.scatter.value"), _scatter),
    "rows.write": _write_rows,
    "aten.embedding.default": lambda weight, indices, *_: tf.gather(weight, indices),
    "aten._to_copy.default": lambda x, dtype=None: (
        x if dtype is None else tf.cast(x, dtype_of(dtype))
    ),
    "aten.full.default": lambda shape, value, dtype="float32": tf.cast(
        tf.fill(shape, value), dtype_of(dtype)
    ),
    "aten.full_like.default": lambda x, value, dtype=None: tf.fill(
        x.shape, tf.cast(value, x.dtype if dtype is None else dtype_of(dtype))
    ),
}

#: what replaces the rules above where XLA or LiteRT compiles
COMPILED_OPS: dict[str, Callable[..., Any]] = {"rows.write": _write_slices}
