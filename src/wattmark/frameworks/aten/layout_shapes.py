"""Rules that carry a channels-last value through operators that also know other values.

Each declines a node none of whose operands is held channels last; see channels_last.
"""

from __future__ import annotations

from wattmark.frameworks.aten.layout import Layout, Rule, to_first, to_last
from wattmark.frameworks.aten.program import Node
from wattmark.frameworks.aten.rewrite import N_ARY, UNARY, argument, axes_of

_REDUCTIONS = {f"aten.{n}" for n in ("mean.dim", "sum.dim_IntList", "amax.default")}
_ALONG_ONE_AXIS = {
    f"aten.{n}" for n in ("_softmax.default", "_log_softmax.default", "slice.Tensor")
}


def _pointwise(layout: Layout, node: Node) -> bool:
    """Channels last if an operand of full rank already is; the others follow."""
    rank = node.type.rank
    if not any(n in layout.last and layout.types[n].rank == rank for n in node.refs()):
        return False
    moved = node.map_refs(lambda name: layout.broadcast_last(name, rank))
    return layout.emit_last(node, node.op, *moved.args, **moved.kwargs)


def _pad(layout: Layout, node: Node) -> bool:
    name = node.args[0].name
    if name not in layout.last:
        return False
    amounts = node.args[1]
    rank = node.type.rank
    pairs = [amounts[i : i + 2] for i in range(0, len(amounts), 2)][::-1]
    pairs = [[0, 0]] * (rank - len(pairs)) + pairs
    flat = [v for d in reversed(to_last(rank)) for v in pairs[d]]
    return layout.emit_last(node, node.op, layout.last[name], flat, argument(node, 2, "value", 0))


def _cat(layout: Layout, node: Node) -> bool:
    names = [ref.name for ref in node.args[0]]
    if not any(name in layout.last for name in names):
        return False
    dim = _moved(argument(node, 1, "dim", 0), node.type.rank)
    return layout.emit_last(node, node.op, [layout.as_last(n) for n in names], dim)


def _split(layout: Layout, node: Node) -> bool:
    x, sizes = node.args[:2]
    if x.name not in layout.last:
        return False
    dim = _moved(argument(node, 2, "dim", 0), node.type.rank)
    return layout.emit_last(node, node.op, layout.last[x.name], sizes, dim)


def _item(layout: Layout, node: Node) -> bool:
    x, index = node.args
    if x.name not in layout.last:
        return False
    return layout.emit_last(node, node.op, layout.last[x.name], index)


def _along_one_axis(layout: Layout, node: Node) -> bool:
    name = node.args[0].name
    if name not in layout.last:
        return False
    dim = _moved(argument(node, 1, "dim", 0), node.type.rank)
    return layout.emit_last(node, node.op, layout.last[name], dim, *node.args[2:], **node.kwargs)


def _reduce(layout: Layout, node: Node) -> bool:
    name = node.args[0].name
    if name not in layout.last:
        return False
    before = layout.types[name]
    order = to_last(before.rank)
    axes = axes_of(node.args[1], before.rank)
    moved = [order.index(axis) for axis in axes]
    if argument(node, 2, "keepdim", False):
        return layout.emit_last(node, node.op, layout.last[name], moved, True, **node.kwargs)
    left = [axis for axis in order if axis not in axes]
    if left != sorted(left):
        return False
    return layout.emit_first(node, layout.last[name], moved, False)


def _view(layout: Layout, node: Node) -> bool:
    """A view that only merges or parts spatial axes, or of an image of one pixel, is free."""
    name = node.args[0].name
    if name not in layout.last:
        return False
    before, after = layout.types[name].shape, node.type.shape
    if all(size == 1 for size in before[2:]):
        return layout.emit_first(node, layout.last[name], node.args[1])
    if len(after) >= 3 and after[:2] == before[:2]:
        shape = [after[d] for d in to_last(len(after))]
        return layout.emit_last(node, node.op, layout.last[name], shape)
    return False


def _permute(layout: Layout, node: Node) -> bool:
    name, dims = node.args[0].name, node.args[1]
    if name in layout.last:
        order = to_last(node.type.rank)
        moved = [order.index(d) for d in dims]
        layout.first[node.name] = layout.transposed(layout.last[name], moved, "permuted")
        return True
    if node.type.rank >= 3 and dims == to_first(node.type.rank):
        layout.last[node.name] = layout.as_first(name)
        return True
    return False


def _moved(dim: int, rank: int) -> int:
    """Where an axis is when channels are last."""
    return to_last(rank).index(dim % rank)


RULES: dict[str, Rule] = {
    "aten.constant_pad_nd.default": _pad,
    "aten.cat.default": _cat,
    "aten.split_with_sizes.default": _split,
    "getitem": _item,
    "aten.view.default": _view,
    "aten.permute.default": _permute,
    **dict.fromkeys(UNARY | N_ARY, _pointwise),
    **dict.fromkeys(_REDUCTIONS, _reduce),
    **dict.fromkeys(_ALONG_ONE_AXIS, _along_one_axis),
}
