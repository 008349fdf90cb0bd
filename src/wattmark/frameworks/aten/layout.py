"""Which values of a program are held channels last while it is rewritten; see channels_last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from wattmark.frameworks.aten.program import Node, Program, Ref, TensorType, Weights
from wattmark.frameworks.aten.rewrite import Rewriter


def to_last(rank: int) -> list[int]:
    """The permutation from channels first to channels last."""
    return [0, *range(2, rank), 1]


def to_first(rank: int) -> list[int]:
    """The permutation from channels last to channels first."""
    return [0, rank - 1, *range(1, rank - 1)]


class Layout:
    """``last`` maps a value of the old program to its channels-last form in the new one, ``first``
    to the form that ATen has. A value has either or both; what is missing is made when asked for.
    """

    def __init__(self, program: Program, weights: Weights) -> None:
        self.new = Rewriter(program, weights)
        self.types = program.types()
        self.last: dict[str, Ref] = {}
        self.first: dict[str, Ref] = {}

    def run(self, rules: Mapping[str, Rule]) -> tuple[Program, Weights]:
        """Rewrite every node by its operator's rule; one without, or whose rule declines (returns
        False), gets its operands channels first.
        """
        for node in self.new.program.nodes:
            rule = rules.get(node.op)
            if rule is None or not rule(self, node):
                self.first[node.name] = self.new.keep(node.map_refs(self.as_first))
        for output in self.new.program.outputs:
            self.new.stands_for[output] = self.as_first(output)
        return self.new.finish()

    def as_first(self, name: str) -> Ref:
        """The value as ATen has it."""
        if name not in self.last:
            return self.first.get(name, Ref(name))
        if name not in self.first:
            rank = self.types[name].rank
            self.first[name] = self.transposed(self.last[name], to_first(rank), "first")
        return self.first[name]

    def as_last(self, name: str) -> Ref:
        """The value with its channels last."""
        if name not in self.last:
            rank = self.types[name].rank
            self.last[name] = self.transposed(self.as_first(name), to_last(rank), "last")
        return self.last[name]

    def transposed(self, source: Ref, dims: list[int], suffix: str) -> Ref:
        """``source`` with its axes in the order ``dims``: a weight at once, a value by a node."""
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

    def reshaped(self, source: Ref, shape: tuple[int, ...], name: str) -> Ref:
        """``source`` with another shape: a weight at once, a value by a node."""
        array = self.new.array(source)
        if array is not None:
            return self.new.constant(name, array.reshape(shape))
        after = TensorType(self.new.types[source.name].dtype, shape)
        return self.new.emit(name, "aten.view.default", (source, list(shape)), after)

    def emit_last(self, node: Node, op: str, *args: Any, **kwargs: Any) -> bool:
        """Take ``op`` in the place of ``node``, with its results channels last."""
        types = tuple(
            TensorType(kind.dtype, tuple(kind.shape[d] for d in to_last(kind.rank)))
            for kind in node.types
        )
        self.last[node.name] = self.new.keep(Node(node.name, op, args, kwargs, types))
        return True

    def emit_first(self, node: Node, *args: Any) -> bool:
        """Take other arguments for ``node``, whose result is as ATen has it."""
        self.first[node.name] = self.new.keep(replace(node, args=args))
        return True

    def broadcast_last(self, name: str, rank: int) -> Ref:
        """A value of any rank in the form that broadcasts against channels-last values."""
        own = self.types[name].rank
        if own in (0, rank):
            return self.as_last(name) if own else self.as_first(name)
        raised = f"{name}/rank{rank}"
        if raised not in self.types:
            before = self.types[name]
            shape = (1,) * (rank - own) + before.shape
            self.types[raised] = TensorType(before.dtype, shape)
            self.first[raised] = self.reshaped(self.as_first(name), shape, raised)
        return self.as_last(raised)


#: rewrites a node and returns True, or declines it
Rule = Callable[[Layout, Node], bool]
