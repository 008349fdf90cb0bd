"""FP16 for ONNX files, by ONNX Runtime's converter, with what FP16 cannot hold left in FP32.

Two things stay FP32: squares that a normalisation averages (over 65 504 for activations over 256)
and the angles of sines and cosines (a position over 2 048 is not a whole number in FP16, and a
frequency is off by up to one part in 2 048).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from wattmark.contracts import Network
from wattmark.frameworks.onnx_export import OUTPUT
from wattmark.frameworks.onnx_quantised import save, simplified


def convert_to_half(source: Path, target: Path, network: Network) -> None:
    """FP16 weights, activations and state; inputs and the output keep their types."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with simplified(source) as path:
        model = onnx.load(path)
    in_fp32 = _in_fp32(model.graph)
    read = {name for node in model.graph.node if node.name in in_fp32 for name in node.input}
    exact = {
        t.name: type(t).FromString(t.SerializeToString())
        for t in model.graph.initializer
        if t.name in read
    }
    half = convert_float_to_float16(
        model,
        keep_io_types=[*(spec.name for spec in network.inputs), OUTPUT],
        node_block_list=sorted(in_fp32),
    )
    _without_detours(half.graph, exact)
    save(half, target)


def _in_fp32(graph: Any) -> set[str]:
    """Names of the nodes that stay FP32: from square to root of a mean, and all before an angle."""
    producers = {output: node for node in graph.node for output in node.output}
    consumers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    kept: set[str] = set()

    def keep(nodes: list[Any], following: Callable[[Any], list[Any]]) -> None:
        while nodes:
            node = nodes.pop()
            if node.name not in kept:
                kept.add(node.name)
                nodes.extend(following(node))

    def before(node: Any) -> list[Any]:
        return [producers[name] for name in node.input if name in producers]

    def towards_the_root(node: Any) -> list[Any]:
        readers = (reader for output in node.output for reader in consumers.get(output, []))
        return [reader for reader in readers if reader.op_type in ("Add", "Sqrt", "Reciprocal")]

    for node in graph.node:
        if node.op_type in ("Sin", "Cos"):
            keep([node], before)
        elif node.op_type == "ReduceMean" and any(map(_is_square, before(node))):
            keep([node], towards_the_root)
            kept.update(square.name for square in before(node))
    return kept


def _is_square(node: Any) -> bool:
    return bool(node.op_type == "Pow" or (node.op_type == "Mul" and len(set(node.input)) == 1))


def _without_detours(graph: Any, exact: dict[str, Any]) -> None:
    """Undo the casts to FP16 and back that the converter puts between nodes that stay FP32.

    ``exact`` holds the FP32 constants that such nodes read.
    """
    from onnx import TensorProto

    def casts_to(kind: int) -> dict[str, Any]:
        casts = (node for node in graph.node if node.op_type == "Cast")
        return {node.output[0]: node for node in casts if node.attribute[0].i == kind}

    narrowed, direct = casts_to(TensorProto.FLOAT16), {}
    for output, cast in casts_to(TensorProto.FLOAT).items():
        (source,) = cast.input
        if source in narrowed:
            direct[output] = narrowed[source].input[0]
        elif source in exact:
            exact[source].name = output
            graph.initializer.append(exact[source])
        else:
            continue
        graph.node.remove(cast)
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = direct.get(name, name)
