"""Rewrite a program so that it computes in bfloat16, with float32 where 8 bits are too few.

Weights, activations and state become bfloat16. As in mixed-precision practice (Kalamkar et al.,
"A Study of BFLOAT16 for Deep Learning Training", arXiv 1905.12322), not everything does:

* what is computed from integers (positions, time steps, masks) and from float inputs without an
  axis beside the batch stays float32 until it meets an activation or a layer's weights: the
  position 257 is not a bfloat16;
* op tables sum in float32 within normalisation, softmax and attention;
* inputs come and the output goes as float32.

A number beyond bfloat16's range (a mask's lowest float32) becomes its largest one, not infinity.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from wattmark.frameworks.aten.program import Node, Program, Ref, TensorType
from wattmark.frameworks.aten.rewrite import argument

_WIDE, _NARROW = "float32", "bfloat16"
#: the largest finite bfloat16: 0x7f7f
LARGEST = 3.3895313892515355e38
#: layers: their weights are parameters, so that they compute in bfloat16 whatever they are given
_LAYERS = {
    *("aten.addmm.default", "aten.mm.default", "aten.scaled_dot_product_attention.default"),
    *("channels_last.convolution", "channels_last.depthwise_convolution"),
    *("channels_last.transposed_convolution", "aten.convolution.default"),
}
_ATTENTION = "aten.scaled_dot_product_attention.default"
_CAST = "aten._to_copy.default"


def in_bfloat16(program: Program, state: set[str]) -> Program:
    """The same program in bfloat16; ``state`` names the inputs that are state.

    The types in its ``weights`` say what each weight must be cast to when it is loaded.
    """
    return _Narrowing(program, state).run()


class _Narrowing:
    def __init__(self, program: Program, state: set[str]) -> None:
        self.program = program
        self.state = state
        self.old = program.types()
        self.nodes: list[Node] = []
        #: type of each float value in the new program; weights: decided by their first use
        self.kinds: dict[str, str] = {}
        self.casts: dict[tuple[str, str], Ref] = {}

    def run(self) -> Program:
        inputs = dict(self.program.inputs)
        for name, kind in inputs.items():
            if name in self.state and kind.dtype == _WIDE:
                inputs[name] = TensorType(_NARROW, kind.shape)
                self.kinds[name] = _NARROW
            elif kind.dtype == _WIDE:
                self.kinds[name] = _WIDE
        self.activations = {
            name
            for name, kind in self.program.inputs.items()
            if kind.dtype == _WIDE and (kind.rank > 1 or name in self.state)
        }
        for node in self.program.nodes:
            self._node(node)
        outputs = [
            self._cast(name, _WIDE if place == 0 else _NARROW).name
            for place, name in enumerate(self.program.outputs)
        ]
        weights = {
            name: TensorType(self.kinds.get(name, kind.dtype), kind.shape)
            for name, kind in self.program.weights.items()
        }
        return Program(inputs, weights, tuple(self.nodes), tuple(outputs))

    def _node(self, node: Node) -> None:
        kind = self._computes_in(node)
        mask = argument(node, 3, "attn_mask", None) if node.op == _ATTENTION else None

        def operand(name: str) -> Ref:
            return Ref(name) if Ref(name) == mask else self._cast(name, kind)

        moved = node.map_refs(operand)
        args = tuple(_within(a, kind) for a in moved.args)
        kwargs = {k: kind if v == _WIDE else _within(v, kind) for k, v in moved.kwargs.items()}
        types = tuple(
            TensorType(kind if t.dtype == _WIDE else t.dtype, t.shape) for t in node.types
        )
        if types[0].dtype == kind:
            self.kinds[node.name] = kind
        if kind == _NARROW and types[0].dtype == kind:
            self.activations.add(node.name)
        self.nodes.append(replace(node, args=args, kwargs=kwargs, types=types))

    def _computes_in(self, node: Node) -> str:
        floats = [name for name in node.refs() if self.old[name].dtype == _WIDE]
        if node.op in _LAYERS or any(name in self.activations for name in floats):
            return _NARROW
        only_weights = floats and all(name in self.program.weights for name in floats)
        return _NARROW if only_weights else _WIDE

    def _cast(self, name: str, kind: str) -> Ref:
        """The float value as that type; other values as they are."""
        old = self.old[name]
        if old.dtype != _WIDE:
            return Ref(name)
        own = self.kinds.setdefault(name, kind)  # a weight that nothing has read yet
        if own == kind:
            return Ref(name)
        if (name, kind) not in self.casts:
            source = Ref(name)
            if kind == _NARROW:
                clamp = (source, -LARGEST, LARGEST)
                source = self._emit(f"{name}/within", "aten.clamp.default", clamp, {}, own, old)
            to = {"dtype": kind}
            self.casts[name, kind] = self._emit(f"{name}/{kind}", _CAST, (source,), to, kind, old)
        return self.casts[name, kind]

    def _emit(
        self, name: str, op: str, args: tuple[Any, ...], kwargs: Any, kind: str, old: TensorType
    ) -> Ref:
        name = f"%{name.lstrip('%')}"
        self.nodes.append(Node(name, op, args, kwargs, (TensorType(kind, old.shape),)))
        return Ref(name)


def _within(arg: Any, kind: str) -> Any:
    """A number that bfloat16 can hold, where that is asked."""
    if isinstance(arg, float) and kind == _NARROW and LARGEST < abs(arg) < float("inf"):
        return LARGEST if arg > 0 else -LARGEST
    return arg
