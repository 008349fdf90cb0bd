"""Build a program from another one, node by node: what the rewriting passes share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from wattmark.frameworks.aten.program import Node, Program, Ref, TensorType, Weights, prune

#: operators that give each element from the elements at the same place, without any axis
UNARY = {
    f"aten.{name}"
    for name in (
        *("relu.default", "hardtanh.default", "clamp.default", "leaky_relu.default"),
        *("gelu.default", "silu.default", "elu.default", "sigmoid.default", "tanh.default"),
        *("hardsigmoid.default", "hardswish.default", "exp.default", "log.default"),
        *("erf.default", "sqrt.default", "rsqrt.default", "reciprocal.default", "abs.default"),
        *("neg.default", "cos.default", "sin.default", "pow.Tensor_Scalar", "_to_copy.default"),
        *("logical_not.default", "bitwise_not.default", "add.Scalar", "sub.Scalar"),
        *("mul.Scalar", "div.Scalar", "rsub.Scalar"),
        *(f"{op}.Scalar" for op in ("eq", "ne", "lt", "le", "gt", "ge")),
    )
}
#: the same with several operands, which are broadcast
N_ARY = {
    *(f"aten.{op}.Tensor" for op in ("add", "sub", "mul", "div", "bitwise_and", "bitwise_or")),
    *(f"aten.{op}.Tensor" for op in ("eq", "ne", "lt", "le", "gt", "ge")),
    *(f"aten.{op}.default" for op in ("maximum", "minimum", "logical_and", "logical_or")),
    *("aten.where.self", "aten.pow.Tensor_Tensor"),
}


class Rewriter:
    """Reads ``program`` node by node and builds its replacement.

    ``stands_for`` maps a value of the old program to the one that takes its place.
    """

    def __init__(self, program: Program, weights: Weights) -> None:
        self.program = program
        self.uses = program.uses()
        self.weights = dict(weights)
        self.types = {**program.inputs, **{k: TensorType.of(w) for k, w in weights.items()}}
        self.nodes: dict[str, Node] = {}
        self.stands_for: dict[str, Ref] = {}

    def current(self, name: str) -> Ref:
        """The value that stands for ``name`` now."""
        return self.stands_for.get(name, Ref(name))

    def updated(self, node: Node) -> Node:
        """A node of the old program, reading the values of the new one."""
        return node.map_refs(self.current)

    def keep(self, node: Node) -> Ref:
        """Add a node under its own name."""
        self.nodes[node.name] = node
        self.types[node.name] = node.type
        return Ref(node.name)

    def emit(
        self, name: str, op: str, args: tuple[Any, ...], result: TensorType, **kwargs: Any
    ) -> Ref:
        """Add a new node; ``name`` is made unique."""
        return self.keep(Node(self._unique(name), op, args, kwargs, (result,)))

    def constant(self, name: str, array: NDArray[Any]) -> Ref:
        """Add a weight; ``name`` is made unique."""
        unique = self._unique(name)
        self.weights[unique] = array
        self.types[unique] = TensorType.of(array)
        return Ref(unique)

    def producer(self, ref: Any) -> Node | None:
        """The node that makes a value, if a node does."""
        return self.nodes.get(ref.name) if isinstance(ref, Ref) else None

    def array(self, ref: Any) -> NDArray[Any] | None:
        """The weight that a value is, if it is one."""
        return self.weights.get(ref.name) if isinstance(ref, Ref) else None

    def finish(self) -> tuple[Program, Weights]:
        """The new program, without what its outputs do not need."""
        outputs = tuple(self.current(name).name for name in self.program.outputs)
        whole = replace(self.program, nodes=tuple(self.nodes.values()), outputs=outputs)
        return prune(whole, self.weights)

    def _unique(self, name: str) -> str:
        unique, count = name, 1
        while unique in self.types:
            count += 1
            unique = f"{name}#{count}"
        return unique


def axes_of(dims: Any, rank: int) -> tuple[int, ...]:
    """ATen's ``dim`` argument (None, a number, a list; negative counts from the end) as axes."""
    if dims is None or dims == []:
        return tuple(range(rank))
    return tuple(d % rank for d in (dims if isinstance(dims, (list, tuple)) else [dims]))


def argument(node: Node, position: int, name: str, default: Any) -> Any:
    """An argument that may have been given by place, by name or not at all."""
    if len(node.args) > position:
        return node.args[position]
    kwargs: Mapping[str, Any] = node.kwargs
    return kwargs.get(name, default)
