"""Recognise a key-value cache that takes consecutive rows, which frameworks can do in place.

A cached decoder writes its new keys with ``scatter``, at an index that is one number for each new
position, repeated over heads and features, and that counts up by one from a start. As a general
scatter that is a loop over single numbers. Here it becomes one operator:

* ``rows.write(x, start, rows, axis)`` with x (batch, ..., n, ...), start (batch,) and rows shaped
  as x but for ``axis``: the rows start[b] .. start[b] + r - 1 of x[b] along ``axis`` replaced.

What must hold for ``scatter`` holds here too: all rows lie within x.
"""

from __future__ import annotations

import numpy as np

from wattmark.frameworks.aten.program import Node, Program, Ref, TensorType, Weights
from wattmark.frameworks.aten.rewrite import Rewriter, argument

_ADD = "aten.add.Tensor"


def row_writes(program: Program, weights: Weights) -> tuple[Program, Weights]:
    """The program with every scatter of consecutive rows as ``rows.write``."""
    new = Rewriter(program, weights)
    starts: dict[str, Ref] = {}
    for old in program.nodes:
        node = new.updated(old)
        if node.op == "aten.scatter.src" and (start := _start(node, new, starts)) is not None:
            x, dim, _, rows = node.args
            args = (x, start, rows, dim % node.type.rank)
            node = Node(node.name, "rows.write", args, {}, node.types)
        new.keep(node)
    return new.finish()


def _start(scatter: Node, new: Rewriter, starts: dict[str, Ref]) -> Ref | None:
    """The first row of each batch entry, as a vector; None where rows are not consecutive."""
    _, dim, index, rows = scatter.args[:4]
    result = scatter.type
    axis = dim % result.rank
    if axis == 0 or not isinstance(rows, Ref) or argument(scatter, 4, "reduce", None) is not None:
        return None
    shape = new.types[index.name].shape
    whole = all(shape[d] == result.shape[d] for d in range(result.rank) if d != axis)
    if not whole or new.types[rows.name].shape != shape:
        return None
    batch, length = shape[0], shape[axis]
    positions = _before_repetition(index, axis, new)
    first = positions and _first(positions, batch, length, new)
    if first is None:
        return None
    if first.name not in starts:
        vector = TensorType(new.types[first.name].dtype, (batch,))
        name = f"{first.name}/start"
        starts[first.name] = new.emit(name, "aten.view.default", (first, [batch]), vector)
    return starts[first.name]


def _before_repetition(index: Ref, axis: int, new: Rewriter) -> Ref | None:
    """The numbers, one for each row, that ``index`` repeats over all other axes but the batch."""
    shape = new.types[index.name].shape
    wanted = tuple(n if d in (0, axis) else 1 for d, n in enumerate(shape))
    node = new.producer(index)
    if node is not None and node.op == "aten.expand.default":
        index = node.args[0]
        shape = (1,) * (len(shape) - new.types[index.name].rank) + new.types[index.name].shape
    return _unreshaped(index, new) if shape == wanted else None


def _first(positions: Ref, batch: int, length: int, new: Rewriter) -> Ref | None:
    """What is added to 0, 1, 2 ... ``length`` - 1 to give the positions of each batch entry."""
    if length == 1:
        return positions
    node = new.producer(positions)
    if node is None or node.op != _ADD or argument(node, 2, "alpha", 1) != 1:
        return None
    for base, steps in (node.args[:2], node.args[1::-1]):
        counted = new.array(steps)
        if counted is None or not isinstance(base, Ref) or new.types[base.name].size != batch:
            continue
        entries = np.arange(batch).reshape(new.types[base.name].shape)
        rows = [np.broadcast_to(part, node.type.shape).reshape(batch, length)
                for part in (entries, counted)]  # fmt: skip
        if (rows[0] == np.arange(batch)[:, None]).all() and (rows[1] == np.arange(length)).all():
            return _unreshaped(base, new)
    return None


def _unreshaped(value: Ref, new: Rewriter) -> Ref:
    """The same numbers before views of them."""
    while (node := new.producer(value)) is not None and node.op == "aten.view.default":
        value = node.args[0]
    return value
