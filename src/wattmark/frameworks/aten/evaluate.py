"""Run a program through an op table: a mapping of operator names to a framework's functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wattmark.errors import ConversionError, UnsupportedOpError
from wattmark.frameworks.aten.program import Program

Ops = Mapping[str, Callable[..., Any]]


def check_supported(programs: Iterable[Program], ops: Ops, target: str) -> None:
    """Raise UnsupportedOpError for the first operator that the table lacks."""
    for program in programs:
        for node in program.nodes:
            if node.op not in ops:
                raise UnsupportedOpError(node.op, target)


def evaluate(program: Program, values: Mapping[str, Any], ops: Ops, target: str) -> list[Any]:
    """The outputs, given the inputs and weights by name, as the framework's tensors.

    A framework traces this once a shape. Every result's shape is compared with the captured one;
    a difference means a wrong rule in the table and raises ConversionError.
    """
    known = dict(values)
    for node in program.nodes:
        if node.op not in ops:
            raise UnsupportedOpError(node.op, target)
        call = node.map_refs(known.__getitem__)
        result = known[node.name] = ops[node.op](*call.args, **call.kwargs)
        if len(node.types) == 1 and tuple(result.shape) != node.type.shape:
            raise ConversionError(
                f"{node.op} ({node.name}) gives shape {tuple(result.shape)} in {target}, "
                f"the captured program has {node.type.shape}"
            )
    return [known[name] for name in program.outputs]
