"""Rewrite a captured program into an equal one with fewer nodes; no framework involved.

* every reshaping operator becomes ``aten.view`` or ``aten.permute``; those and the copies that
  change nothing are removed; views move behind element-wise operators, so that a matrix product
  and its activation are neighbours and a framework can fuse them;
* a batch normalisation at inference is an affine map per channel. After a convolution it is
  folded into its weights, as every deploying framework does (Jacob et al. 2018,
  arXiv:1712.05877, section 3.2); elsewhere it becomes a product and a sum;
* zero padding before a convolution becomes the convolution's own padding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from wattmark.errors import UnsupportedOpError
from wattmark.frameworks.aten.program import Node, Program, Ref, TensorType, Weights
from wattmark.frameworks.aten.rewrite import UNARY, Rewriter, argument, axes_of

_VIEWS = {
    f"aten.{name}"
    for name in (
        *("view.default", "_unsafe_view.default", "reshape.default", "unsqueeze.default"),
        *("squeeze.default", "squeeze.dim", "squeeze.dims", "flatten.using_ints"),
    )
}
_COPIES = {
    f"aten.{name}.default"
    for name in ("clone", "alias", "detach", "contiguous", "dropout", "lift_fresh_copy")
}
_CONVOLUTION = "aten.convolution.default"
_BATCH_NORM = "aten._native_batch_norm_legit_no_training.default"
_PAD = "aten.constant_pad_nd.default"


def simplify(program: Program, weights: Weights) -> tuple[Program, Weights]:
    """The simplified program and the weights that it needs."""
    for one_pass in (_simplify_shapes, _fold_batch_norms, _merge_padding):
        program, weights = one_pass(program, weights)
    return program, weights


def _simplify_shapes(program: Program, weights: Weights) -> tuple[Program, Weights]:
    new = Rewriter(program, weights)
    for old in program.nodes:
        node = _canonical(new.updated(old), new)
        source: Any = node.args[0] if node.args else None
        if _changes_nothing(node, new):
            new.stands_for[old.name] = source
        elif node.op in UNARY and _only_view(source, new):
            assert isinstance(source, Ref)
            before: Ref = new.nodes[source.name].args[0]
            flat = TensorType(node.type.dtype, new.types[before.name].shape)
            inner = replace(
                node, name=f"{node.name}/flat", args=(before, *node.args[1:]), types=(flat,)
            )
            new.keep(_view(node.name, new.keep(inner), node.type))
        else:
            new.keep(node)
    return new.finish()


def _canonical(node: Node, new: Rewriter) -> Node:
    if node.op in _VIEWS:
        source = node.args[0]
        while (producer := new.producer(source)) is not None and producer.op == "aten.view.default":
            source = producer.args[0]
        return _view(node.name, source, node.type)
    rank = node.type.rank
    if node.op == "aten.permute.default":
        dims = list(axes_of(node.args[1], rank))
    elif node.op == "aten.transpose.int":
        dims = list(range(rank))
        first, second = axes_of(list(node.args[1:]), rank)
        dims[first], dims[second] = second, first
    elif node.op == "aten.t.default":
        dims = list(range(rank))[::-1]
    else:
        return node
    return replace(node, op="aten.permute.default", args=(node.args[0], dims), kwargs={})


def _view(name: str, source: Any, result: TensorType) -> Node:
    return Node(name, "aten.view.default", (source, list(result.shape)), {}, (result,))


def _changes_nothing(node: Node, new: Rewriter) -> bool:
    if node.op in _COPIES:
        return True
    if node.op == "aten.permute.default":
        return bool(node.args[1] == sorted(node.args[1]))
    reshaping = node.op in ("aten.view.default", "aten.expand.default", "aten._to_copy.default")
    return reshaping and new.types[node.args[0].name] == node.type


def _only_view(source: Any, new: Rewriter) -> bool:
    """Whether ``source`` is a view that nothing else reads."""
    producer = new.producer(source)
    return (
        producer is not None
        and producer.op == "aten.view.default"
        and new.uses[producer.name] == 1
        and new.producer(producer.args[0]) is not None
    )


def _fold_batch_norms(program: Program, weights: Weights) -> tuple[Program, Weights]:
    new = Rewriter(program, weights)
    for old in program.nodes:
        node = new.updated(old)
        if node.op != _BATCH_NORM:
            new.keep(node)
            continue
        scale, shift = _affine(node, new)
        convolution = new.producer(node.args[0])
        if convolution is not None and _takes_affine(convolution, new):
            new.keep(_scaled(convolution, scale, shift, new))
            new.stands_for[old.name] = Ref(convolution.name)
        else:
            shape = (-1, *[1] * (node.type.rank - 2))
            factor = new.constant(f"{node.name}/scale", scale.reshape(shape))
            offset = new.constant(f"{node.name}/shift", shift.reshape(shape))
            product = new.emit(
                f"{node.name}/scaled", "aten.mul.Tensor", (node.args[0], factor), node.type
            )
            new.keep(Node(node.name, "aten.add.Tensor", (product, offset), {}, node.types))
    return new.finish()


def _affine(node: Node, new: Rewriter) -> tuple[Any, Any]:
    """Scale and shift per channel: w (x - m) / sqrt(v + eps) + b = scale x + shift."""
    weight, bias, mean, variance = (new.array(a) for a in node.args[1:5])
    eps: float = node.args[6]
    if mean is None or variance is None or (weight is None) != (node.args[1] is None):
        raise UnsupportedOpError(f"{node.op} of statistics that are not constant", "program")
    scale = (1.0 if weight is None else weight) / np.sqrt(variance.astype(np.float64) + eps)
    shift = (0.0 if bias is None else bias) - mean * scale
    return scale.astype(np.float32), shift.astype(np.float32)


def _takes_affine(node: Node, new: Rewriter) -> bool:
    return (
        node.op == _CONVOLUTION
        and not node.args[6]
        and new.uses[node.name] == 1
        and new.array(node.args[1]) is not None
        and (node.args[2] is None or new.array(node.args[2]) is not None)
    )


def _scaled(node: Node, scale: Any, shift: Any, new: Rewriter) -> Node:
    weight, bias = new.array(node.args[1]), new.array(node.args[2])
    assert weight is not None
    scaled = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
    moved = shift if bias is None else bias * scale + shift
    stem = node.args[1].name
    folded = (new.constant(f"{stem}/folded", scaled), new.constant(f"{stem}/bias", moved))
    return replace(node, args=(node.args[0], *folded, *node.args[3:]))


def _merge_padding(program: Program, weights: Weights) -> tuple[Program, Weights]:
    """Give every convolution its padding as (before, after) pairs, with zero pads merged in."""
    new = Rewriter(program, weights)
    for old in program.nodes:
        node = new.updated(old)
        if node.op == _CONVOLUTION:
            pairs = [[p, p] for p in _per_axis(node.args[4], node.type.rank - 2)]
            source, pad = node.args[0], new.producer(node.args[0])
            transposed = node.args[6]
            if (
                not transposed
                and pad is not None
                and _pads_with_zeros(pad)
                and new.uses[pad.name] == 1
            ):
                amounts = pad.args[1]
                extra = [amounts[i : i + 2] for i in range(0, len(amounts), 2)][::-1]
                extra = [[0, 0]] * (len(pairs) - len(extra)) + extra
                pairs = [[a + x, b + y] for (a, b), (x, y) in zip(pairs, extra, strict=True)]
                source = pad.args[0]
            node = replace(node, args=(source, *node.args[1:4], pairs, *node.args[5:]))
        new.keep(node)
    return new.finish()


def _pads_with_zeros(node: Node) -> bool:
    """Whether it pads spatial axes only, by amounts that are not negative, with zeros."""
    if node.op != _PAD or argument(node, 2, "value", 0) != 0:
        return False
    amounts = node.args[1]
    return len(amounts) <= 2 * (node.type.rank - 2) and min(amounts) >= 0


def _per_axis(amounts: list[int], axes: int) -> list[int]:
    return amounts * axes if len(amounts) == 1 else amounts
