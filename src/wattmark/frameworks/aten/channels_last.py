"""Hold images with their channels last (NHWC), from the first convolution to the last.

ATen's convolutions take channels first. Convolution kernels of TensorFlow and XLA on a CPU want
channels last, and a transpose around each would handicap them. This pass follows which values
are held channels last through convolutions, pooling, element-wise operators, padding,
concatenation and reductions; only what is left at the borders is transposed, and weights are
transposed here, once. In the result every convolution and pooling is a ``channels_last``
operator:

* ``channels_last.convolution(x, weight, bias, stride, padding, dilation, groups)`` with weight
  (*kernel, in channels per group, out channels);
* ``channels_last.depthwise_convolution(x, weight, bias, stride, padding, dilation)`` with weight
  (*kernel, channels, multiplier);
* ``channels_last.max_pool(x, kernel, stride, padding, dilation)`` and
  ``channels_last.avg_pool(x, kernel, stride, padding, count_include_pad)``.

Padding is a list of (before, after) pairs, one a spatial axis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from wattmark.frameworks.aten.program import Node, Program, Ref, TensorType, Weights
from wattmark.frameworks.aten.rewrite import N_ARY, UNARY, Rewriter, argument, axes_of

_REDUCTIONS = {f"aten.{n}" for n in ("mean.dim", "sum.dim_IntList", "amax.default")}


def channels_last(program: Program, weights: Weights) -> tuple[Program, Weights]:
    """The program with its images held channels last, and its weights to match."""
    return _Layout(program, weights).run()


def to_last(rank: int) -> list[int]:
    """The permutation from channels first to channels last."""
    return [0, *range(2, rank), 1]


def to_first(rank: int) -> list[int]:
    """The permutation from channels last to channels first."""
    return [0, rank - 1, *range(1, rank - 1)]


class _Layout:
    """``last`` maps a value of the old program to its channels-last form in the new one."""

    def __init__(self, program: Program, weights: Weights) -> None:
        self.new = Rewriter(program, weights)
        self.types = program.types()
        self.last: dict[str, Ref] = {}
        self.first: dict[str, Ref] = {}
        self.rules: dict[str, Callable[[Node], bool]] = {
            "aten.convolution.default": self._convolution,
            "aten.max_pool2d_with_indices.default": self._max_pool,
            "aten.avg_pool2d.default": self._avg_pool,
            "aten.constant_pad_nd.default": self._pad,
            "aten.cat.default": self._cat,
            "aten.view.default": self._view,
            "aten.permute.default": self._permute,
            **dict.fromkeys(UNARY | N_ARY, self._pointwise),
            **dict.fromkeys(_REDUCTIONS, self._reduce),
        }

    def run(self) -> tuple[Program, Weights]:
        for node in self.new.program.nodes:
            rule = self.rules.get(node.op)
            if rule is None or not rule(node):
                self._channels_first(node)
        output = self.new.program.output
        self.new.stands_for[output] = self._as_first(output)
        return self.new.finish()

    def _channels_first(self, node: Node) -> None:
        self.first[node.name] = self.new.keep(node.map_refs(self._as_first))

    def _as_first(self, name: str) -> Ref:
        """The value as ATen has it."""
        if name not in self.last:
            return self.first.get(name, Ref(name))
        if name not in self.first:
            rank = self.types[name].rank
            self.first[name] = self._transposed(self.last[name], to_first(rank), "first")
        return self.first[name]

    def _as_last(self, name: str) -> Ref:
        """The value with its channels last."""
        if name not in self.last:
            rank = self.types[name].rank
            self.last[name] = self._transposed(self._as_first(name), to_last(rank), "last")
        return self.last[name]

    def _transposed(self, source: Ref, dims: list[int], suffix: str) -> Ref:
        array = self.new.array(source)
        name = f"{source.name}/{suffix}"
        if array is not None:
            return self.new.constant(name, np.ascontiguousarray(array.transpose(dims)))
        producer = self.new.producer(source)
        if producer is not None and producer.op == "aten.permute.default":
            source, dims = producer.args[0], [producer.args[1][d] for d in dims]
        if dims == sorted(dims):
            return source
        before = self.new.types[source.name]
        after = TensorType(before.dtype, tuple(before.shape[d] for d in dims))
        return self.new.emit(name, "aten.permute.default", (source, dims), after)

    def _emit_last(self, node: Node, op: str, *args: Any, **kwargs: Any) -> bool:
        shape = tuple(node.type.shape[d] for d in to_last(node.type.rank))
        result = TensorType(node.type.dtype, shape)
        self.last[node.name] = self.new.keep(Node(node.name, op, args, kwargs, (result,)))
        return True

    def _convolution(self, node: Node) -> bool:
        x, weight, bias, stride, padding, dilation, transposed, _, groups = node.args
        if transposed:
            return False
        axes = node.type.rank - 2
        channels = self.types[x.name].shape[1]
        geometry = {
            "stride": _spread(stride, axes),
            "padding": padding,
            "dilation": _spread(dilation, axes),
        }
        rank = self.types[weight.name].rank
        kernel = self._transposed(self._as_first(weight.name), [*range(2, rank), 1, 0], "kernel")
        bias = None if bias is None else self._as_first(bias.name)
        source = self._as_last(x.name)
        if groups == channels > 1:
            kernel = self._depthwise_kernel(kernel, channels)
            op = "channels_last.depthwise_convolution"
            return self._emit_last(node, op, source, kernel, bias, **geometry)
        op = "channels_last.convolution"
        return self._emit_last(node, op, source, kernel, bias, **geometry, groups=groups)

    def _depthwise_kernel(self, kernel: Ref, channels: int) -> Ref:
        """From (*kernel, 1, channels x multiplier) to (*kernel, channels, multiplier)."""
        before = self.new.types[kernel.name]
        shape = (*before.shape[:-2], channels, before.shape[-1] // channels)
        array = self.new.array(kernel)
        if array is not None:
            return self.new.constant(f"{kernel.name}/depthwise", array.reshape(shape))
        return self.new.emit(
            f"{kernel.name}/depthwise",
            "aten.view.default",
            (kernel, list(shape)),
            TensorType(before.dtype, shape),
        )

    def _max_pool(self, node: Node) -> bool:
        axes = node.type.rank - 2
        kernel = _spread(node.args[1], axes)
        stride = _spread(argument(node, 2, "stride", []) or kernel, axes)
        padding = _spread(argument(node, 3, "padding", 0), axes)
        dilation = _spread(argument(node, 4, "dilation", 1), axes)
        size = self.types[node.args[0].name].shape[2:]
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        pairs = _pairs(size, node.type.shape[2:], reach, stride, padding)
        return self._emit_last(
            node,
            "channels_last.max_pool",
            self._as_last(node.args[0].name),
            kernel=kernel,
            stride=stride,
            padding=pairs,
            dilation=dilation,
        )

    def _avg_pool(self, node: Node) -> bool:
        axes = node.type.rank - 2
        kernel = _spread(node.args[1], axes)
        stride = _spread(argument(node, 2, "stride", []) or kernel, axes)
        padding = _spread(argument(node, 3, "padding", 0), axes)
        size = self.types[node.args[0].name].shape[2:]
        pairs = _pairs(size, node.type.shape[2:], kernel, stride, padding)
        symmetric = pairs == [[p, p] for p in padding]
        counts_padding = argument(node, 5, "count_include_pad", True)
        if argument(node, 6, "divisor_override", None) is not None:
            return False
        if not symmetric and counts_padding:
            return False
        return self._emit_last(
            node,
            "channels_last.avg_pool",
            self._as_last(node.args[0].name),
            kernel=kernel,
            stride=stride,
            padding=pairs,
            count_include_pad=counts_padding,
        )

    def _pointwise(self, node: Node) -> bool:
        """Channels last if an operand of full rank already is; the others follow."""
        rank = node.type.rank
        names = list(node.refs())
        if not any(name in self.last and self.types[name].rank == rank for name in names):
            return False
        for name in names:
            if self.types[name].rank not in (0, rank):
                self._raise_rank(name, rank)
        moved = node.map_refs(lambda n: self._broadcast_last(n, rank))
        return self._emit_last(node, node.op, *moved.args, **moved.kwargs)

    def _broadcast_last(self, name: str, rank: int) -> Ref:
        if self.types[name].rank == 0:
            return self._as_first(name)
        return self._as_last(name if self.types[name].rank == rank else f"{name}/rank{rank}")

    def _raise_rank(self, name: str, rank: int) -> None:
        """Give a value leading axes of 1, as broadcasting does, so that it can be transposed."""
        raised = f"{name}/rank{rank}"
        if raised in self.types:
            return
        before = self.types[name]
        after = TensorType(before.dtype, (1,) * (rank - before.rank) + before.shape)
        source = self._as_first(name)
        array = self.new.array(source)
        self.types[raised] = after
        if array is not None:
            self.first[raised] = self.new.constant(raised, array.reshape(after.shape))
        else:
            view = ("aten.view.default", (source, list(after.shape)), after)
            self.first[raised] = self.new.emit(raised, *view)

    def _pad(self, node: Node) -> bool:
        name = node.args[0].name
        if name not in self.last:
            return False
        amounts = node.args[1]
        rank = node.type.rank
        pairs = [amounts[i : i + 2] for i in range(0, len(amounts), 2)][::-1]
        pairs = [[0, 0]] * (rank - len(pairs)) + pairs
        flat = [v for d in reversed(to_last(rank)) for v in pairs[d]]
        value = argument(node, 2, "value", 0)
        return self._emit_last(node, node.op, self.last[name], flat, value)

    def _cat(self, node: Node) -> bool:
        names = [ref.name for ref in node.args[0]]
        rank = node.type.rank
        if not any(name in self.last for name in names):
            return False
        dim = to_last(rank).index(argument(node, 1, "dim", 0) % rank)
        return self._emit_last(node, node.op, [self._as_last(n) for n in names], dim)

    def _reduce(self, node: Node) -> bool:
        name = node.args[0].name
        if name not in self.last:
            return False
        before = self.types[name]
        order = to_last(before.rank)
        axes = axes_of(node.args[1], before.rank)
        moved = [order.index(axis) for axis in axes]
        keepdim = argument(node, 2, "keepdim", False)
        if keepdim:
            return self._emit_last(node, node.op, self.last[name], moved, True, **node.kwargs)
        left = [axis for axis in order if axis not in axes]
        if left != sorted(left):
            return False
        args = (self.last[name], moved, False)
        self.first[node.name] = self.new.keep(replace(node, args=args))
        return True

    def _view(self, node: Node) -> bool:
        """A view that only merges spatial axes, or that reads an image of one pixel, is free."""
        name = node.args[0].name
        if name not in self.last:
            return False
        before, after = self.types[name].shape, node.type.shape
        if all(size == 1 for size in before[2:]):
            self.first[node.name] = self.new.keep(
                replace(node, args=(self.last[name], node.args[1]))
            )
            return True
        if len(after) >= 3 and after[:2] == before[:2]:
            shape = [after[d] for d in to_last(len(after))]
            return self._emit_last(node, node.op, self.last[name], shape)
        return False

    def _permute(self, node: Node) -> bool:
        name = node.args[0].name
        if name not in self.last:
            return False
        order = to_last(node.type.rank)
        dims = [order.index(d) for d in node.args[1]]
        self.first[node.name] = self._transposed(self.last[name], dims, "permuted")
        return True


def _spread(value: Any, axes: int) -> list[int]:
    """One number a spatial axis, from a number or a list of one."""
    values = value if isinstance(value, list) else [value]
    return values * axes if len(values) == 1 else values


def _pairs(
    size: tuple[int, ...],
    result: tuple[int, ...],
    reach: list[int],
    stride: list[int],
    padding: list[int],
) -> list[list[int]]:
    """Padding before and after, with what ``ceil_mode`` lets the last window reach beyond."""
    return [
        [p, max(p, (out - 1) * s + r - n - p)]
        for n, out, r, s, p in zip(size, result, reach, stride, padding, strict=True)
    ]
