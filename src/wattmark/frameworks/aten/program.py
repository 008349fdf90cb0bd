"""A static-shape tensor program: a list of nodes, each an ATen operator on named values.

Names of values are unique in a program: its inputs, its weights and its nodes. An argument of a
node is a :class:`Ref` to a value, or a plain constant (number, string, dtype name, list of them).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Ref:
    """A reference to a value by its name."""

    name: str


@dataclass(frozen=True)
class TensorType:
    """Element type by numpy's name (``float32``, ``int64``, ``bool``) and static shape."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @classmethod
    def of(cls, array: NDArray[Any]) -> TensorType:
        """The type of a numpy array."""
        return cls(str(array.dtype), tuple(array.shape))


@dataclass(frozen=True)
class Node:
    """One operator call. ``types`` holds the type of each result (most have one)."""

    name: str
    op: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    types: tuple[TensorType, ...]

    @property
    def type(self) -> TensorType:
        """The type of the first result."""
        return self.types[0]

    def refs(self) -> Iterator[str]:
        """Names of the values that it reads, repeated as often as it reads them."""
        for arg in (*self.args, *self.kwargs.values()):
            if isinstance(arg, list):
                yield from (a.name for a in arg if isinstance(a, Ref))
            elif isinstance(arg, Ref):
                yield arg.name

    def map_refs(self, rename: Callable[[str], Any]) -> Node:
        """The same node with every ``Ref(name)`` replaced by ``rename(name)``."""
        return replace(
            self,
            args=tuple(map_refs(a, rename) for a in self.args),
            kwargs={k: map_refs(v, rename) for k, v in self.kwargs.items()},
        )


def map_refs(arg: Any, rename: Callable[[str], Any]) -> Any:
    """``arg`` with every reference in it, also inside lists, replaced by ``rename(name)``."""
    if isinstance(arg, Ref):
        return rename(arg.name)
    if isinstance(arg, list):
        return [map_refs(a, rename) for a in arg]
    return arg


@dataclass(frozen=True)
class Program:
    """Inputs in the order of the module's forward, weights, nodes in order, and outputs.

    State that a network reads is among the inputs, after those of its queries; state that it
    writes is among the outputs, after the one that its queries get.
    """

    inputs: dict[str, TensorType]
    weights: dict[str, TensorType]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    def types(self) -> dict[str, TensorType]:
        """The type of every value (of the first result, where a node has several)."""
        return {**self.inputs, **self.weights, **{n.name: n.type for n in self.nodes}}

    def uses(self) -> Counter[str]:
        """How often each value is read; being an output counts as one read."""
        count = Counter(name for node in self.nodes for name in node.refs())
        count.update(self.outputs)
        return count

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; infinities and references are written as one-key objects."""
        return {
            "inputs": {k: _type_to_json(t) for k, t in self.inputs.items()},
            "weights": {k: _type_to_json(t) for k, t in self.weights.items()},
            "nodes": [
                {
                    "name": n.name,
                    "op": n.op,
                    "args": [_to_json(a) for a in n.args],
                    "kwargs": {k: _to_json(v) for k, v in n.kwargs.items()},
                    "types": [_type_to_json(t) for t in n.types],
                }
                for n in self.nodes
            ],
            "outputs": list(self.outputs),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Program:
        """The inverse of :meth:`to_json`."""
        return cls(
            inputs={k: _type_from_json(t) for k, t in data["inputs"].items()},
            weights={k: _type_from_json(t) for k, t in data["weights"].items()},
            nodes=tuple(
                Node(
                    name=n["name"],
                    op=n["op"],
                    args=tuple(_from_json(a) for a in n["args"]),
                    kwargs={k: _from_json(v) for k, v in n["kwargs"].items()},
                    types=tuple(_type_from_json(t) for t in n["types"]),
                )
                for n in data["nodes"]
            ),
            outputs=tuple(data["outputs"]),
        )


def prune(program: Program, weights: Weights) -> tuple[Program, Weights]:
    """Drop the nodes and weights that no output depends on."""
    alive = set(program.outputs)
    nodes: list[Node] = []
    for node in reversed(program.nodes):
        if node.name in alive:
            alive.update(node.refs())
            nodes.append(node)
    kept = {name: array for name, array in weights.items() if name in alive}
    types = {name: TensorType.of(array) for name, array in kept.items()}
    return replace(program, nodes=tuple(reversed(nodes)), weights=types), kept


def _type_to_json(value: TensorType) -> list[Any]:
    return [value.dtype, list(value.shape)]


def _type_from_json(data: list[Any]) -> TensorType:
    return TensorType(data[0], tuple(data[1]))


def _to_json(arg: Any) -> Any:
    if isinstance(arg, Ref):
        return {"ref": arg.name}
    if isinstance(arg, float) and not np.isfinite(arg):
        return {"float": str(arg)}
    if isinstance(arg, list):
        return [_to_json(a) for a in arg]
    return arg


def _from_json(data: Any) -> Any:
    if isinstance(data, dict):
        return Ref(data["ref"]) if "ref" in data else float(data["float"])
    if isinstance(data, list):
        return [_from_json(d) for d in data]
    return data
