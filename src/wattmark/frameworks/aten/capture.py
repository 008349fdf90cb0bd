"""Read a PyTorch module into a program, by ``torch.export`` at one static shape.

This is the only module of the package that needs torch. What does not depend on the inputs is
computed here once (position tables, masks, transposed weights), and the type promotion that
ATen does inside its operators is written out as casts, so that an op table need not know it.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import FrameworkError, UnsupportedOpError
from wattmark.frameworks.aten.program import (
    Node,
    Program,
    Ref,
    TensorType,
    Weights,
    map_refs,
    prune,
)

if TYPE_CHECKING:
    import torch

#: arguments that say where and how a tensor lies in memory, not what is in it
_PLACEMENT = {"device", "layout", "pin_memory", "memory_format", "non_blocking"}

#: operators that compute in the type of their result: operands are cast to it first
_COMPUTES_IN_RESULT_TYPE = {
    f"aten.{name}"
    for name in (
        *(f"{op}.{kind}" for op in ("add", "sub", "mul", "div") for kind in ("Tensor", "Scalar")),
        *("rsub.Scalar", "pow.Tensor_Scalar", "pow.Tensor_Tensor", "pow.Scalar"),
        *("maximum.default", "minimum.default", "cat.default", "stack.default"),
        *("exp.default", "log.default", "sqrt.default", "rsqrt.default", "reciprocal.default"),
        *("erf.default", "tanh.default", "sigmoid.default", "cos.default", "sin.default"),
        *("sum.dim_IntList", "sum.default", "mean.dim", "mean.default", "cumsum.default"),
    )
}
#: operators that compute in the common type of their operands, whatever the type of the result
_COMPUTES_IN_COMMON_TYPE = {
    f"aten.{op}.{kind}"
    for op in ("eq", "ne", "lt", "le", "gt", "ge")
    for kind in ("Tensor", "Scalar")
}
#: operators of several results of which only the first means anything at inference
_FIRST_RESULT_ONLY = {
    "aten.native_layer_norm.default",
    "aten.native_group_norm.default",
    "aten._native_batch_norm_legit_no_training.default",
    "aten.max_pool2d_with_indices.default",
}
#: operators that core ATen would take apart and every framework has
_KEPT_WHOLE = (
    "aten.scaled_dot_product_attention.default",
    "aten.upsample_nearest2d.default",
    "aten.upsample_nearest2d.vec",
)
#: a constant that grows when folded (an expanded table) is folded only below this many elements
_FOLD_LIMIT = 1 << 16


def capture(
    module: torch.nn.Module, inputs: dict[str, NDArray[Any]], outputs: int = 1
) -> tuple[Program, Weights]:
    """The program that ``module`` runs on inputs of exactly these shapes, and its weights.

    ``inputs`` are in the order of the module's forward; ``outputs`` is how many tensors it
    returns. Attention and nearest-neighbour upsampling stay one operator each; all else is
    decomposed to core ATen. Raises FrameworkError where ``torch.export`` fails or the module
    returns another number of tensors.
    """
    import torch

    examples = tuple(torch.from_numpy(array) for array in inputs.values())
    table = torch.export.default_decompositions()
    for whole in _KEPT_WHOLE:
        packet, overload = whole.removeprefix("aten.").split(".")
        table.pop(getattr(getattr(torch.ops.aten, packet), overload), None)
    try:
        exported = torch.export.export(module, examples).run_decompositions(table)
    except Exception as error:
        raise FrameworkError(f"torch.export cannot capture the module: {error}") from error
    with torch.no_grad():
        return _Reader(exported, list(inputs), outputs).read()


class _Reader:
    """One pass over an exported graph."""

    def __init__(
        self, exported: torch.export.ExportedProgram, input_names: list[str], outputs: int
    ) -> None:
        self.exported = exported
        self.outputs = outputs
        self.inputs: dict[str, TensorType] = {}
        self.input_names = input_names
        self.nodes: list[Node] = []
        #: what an fx node became
        self.values: dict[str, Ref] = {}
        self.constants: dict[str, torch.Tensor] = {}
        self.types: dict[str, TensorType] = {}
        self.casts: dict[tuple[str, str], Ref] = {}

    def read(self) -> tuple[Program, Weights]:
        targets = {s.arg.name: s.target for s in self.exported.graph_signature.input_specs}
        outputs: tuple[str, ...] = ()
        for node in self.exported.graph.nodes:
            if node.op == "placeholder":
                self._placeholder(node, targets[node.name])
            elif node.op == "output":
                outputs = self._output(node)
            elif node.target is operator.getitem:
                self.values[node.name] = self._item(node)
            elif node.op == "call_function":
                self._call(node)
            else:  # an attribute: a branch or loop body that a control-flow operator takes
                raise UnsupportedOpError(f"{node.op} {node.target}", "program")
        weights = {name: _to_numpy(tensor) for name, tensor in self.constants.items()}
        return prune(Program(self.inputs, {}, tuple(self.nodes), outputs), weights)

    def _placeholder(self, node: torch.fx.Node, target: str | None) -> None:
        if target is None:
            name = self.input_names[len(self.inputs)]
            self.inputs[name] = self.types[name] = _type_of(node.meta["val"])
            self.values[node.name] = Ref(name)
        else:
            state = self.exported.state_dict
            tensor = state[target] if target in state else self.exported.constants[target]
            self.values[node.name] = self._constant(target, tensor)

    def _output(self, node: torch.fx.Node) -> tuple[str, ...]:
        """What the module returns; inputs that it wrote over in place are not among that."""
        import torch
        from torch.export.graph_signature import OutputKind

        results = node.args[0]
        assert isinstance(results, tuple)
        kinds = [spec.kind for spec in self.exported.graph_signature.output_specs]
        returned = [
            result
            for result, kind in zip(results, kinds, strict=True)
            if kind is OutputKind.USER_OUTPUT
        ]
        if len(returned) != self.outputs:
            raise FrameworkError(
                f"the module gives {len(returned)} outputs; it must give {self.outputs}: "
                "the tensor that the task scores, and the state that the network writes"
            )
        if not all(isinstance(result, torch.fx.Node) for result in returned):
            raise FrameworkError("the module returns something that is not a tensor")
        return tuple(self.values[result.name].name for result in returned)

    def _item(self, node: torch.fx.Node) -> Ref:
        import torch

        source, index = node.args[0], node.args[1]
        assert isinstance(source, torch.fx.Node)
        op, whole = str(source.target), self.values[source.name]
        if op in _FIRST_RESULT_ONLY:
            if index != 0 and node.users:
                raise UnsupportedOpError(f"{op}[{index}]", "program")
            return whole
        types = (_type_of(node.meta["val"]),)
        return self._emit(Node(f"%{node.name}", "getitem", (whole, index), {}, types))

    def _call(self, node: torch.fx.Node) -> None:
        if not node.users:
            return
        args = tuple(self._argument(a) for a in node.args)
        kwargs = {k: self._argument(v) for k, v in node.kwargs.items() if k not in _PLACEMENT}
        if self._foldable(node):
            self.values[node.name] = self._fold(node)
            return
        op, result = str(node.target), node.meta["val"]
        results = list(result) if isinstance(result, (list, tuple)) else [result]
        if op in _FIRST_RESULT_ONLY:
            del results[1:]
        if op == "aten.where.self":
            args = (args[0], *self._with_operands_cast(args[1:], results[0].dtype))
        elif op in _COMPUTES_IN_RESULT_TYPE:
            args = self._with_operands_cast(args, results[0].dtype)
        elif op in _COMPUTES_IN_COMMON_TYPE:
            args = self._with_operands_cast(args, _common_type(node.args))
        types = tuple(_type_of(r) for r in results)
        self.values[node.name] = self._emit(Node(f"%{node.name}", op, args, kwargs, types))

    def _argument(self, arg: Any) -> Any:
        import torch

        if isinstance(arg, torch.fx.Node):
            return self.values[arg.name]
        if isinstance(arg, (list, tuple)):
            return [self._argument(a) for a in arg]
        if isinstance(arg, torch.dtype):
            return _dtype_name(arg)
        if arg is None or isinstance(arg, (bool, int, float, str)):
            return arg
        raise FrameworkError(f"an exported program has an argument of type {type(arg).__name__}")

    def _emit(self, node: Node) -> Ref:
        self.nodes.append(node)
        self.types[node.name] = node.type
        return Ref(node.name)

    def _constant(self, name: str, tensor: torch.Tensor) -> Ref:
        unique, count = name, 1
        while unique in self.constants or unique in self.input_names:
            count += 1
            unique = f"{name}#{count}"
        self.constants[unique] = tensor.detach()
        return Ref(unique)

    def _foldable(self, node: torch.fx.Node) -> bool:
        import torch

        target, result = node.target, node.meta.get("val")
        if not isinstance(target, torch._ops.OpOverload) or not isinstance(result, torch.Tensor):
            return False
        if torch.Tag.nondeterministic_seeded in target.tags:
            return False
        sources = [self.values[n.name] for n in node.all_input_nodes]
        if not all(isinstance(s, Ref) and s.name in self.constants for s in sources):
            return False
        largest = max((self.constants[s.name].numel() for s in sources), default=0)
        return bool(result.numel() <= max(largest, _FOLD_LIMIT))

    def _fold(self, node: torch.fx.Node) -> Ref:
        """Run one operator on constants now; the result is a constant named after its source."""

        def value(arg: Any) -> Any:
            import torch

            if isinstance(arg, torch.fx.Node):
                return self.constants[self.values[arg.name].name]
            return type(arg)(map(value, arg)) if isinstance(arg, (list, tuple)) else arg

        assert callable(node.target)
        result = node.target(
            *map(value, node.args), **{k: value(v) for k, v in node.kwargs.items()}
        )
        short = str(node.target).split(".")[1]
        sources = node.all_input_nodes
        stem = f"{self.values[sources[0].name].name}/" if sources else ""
        return self._constant(stem + short, result)

    def _with_operands_cast(self, args: tuple[Any, ...], dtype: torch.dtype) -> tuple[Any, ...]:
        return tuple(map_refs(arg, lambda name: self._cast(name, dtype)) for arg in args)

    def _cast(self, source: str, dtype: torch.dtype) -> Ref:
        wanted = _dtype_name(dtype)
        if (source, wanted) not in self.casts:
            self.casts[source, wanted] = self._new_cast(source, dtype, wanted)
        return self.casts[source, wanted]

    def _new_cast(self, source: str, dtype: torch.dtype, wanted: str) -> Ref:
        if source in self.constants:
            tensor = self.constants[source]
            same = tensor.dtype == dtype
            return Ref(source) if same else self._constant(f"{source}/{wanted}", tensor.to(dtype))
        shape = self.types[source].shape
        if self.types[source].dtype == wanted:
            return Ref(source)
        name = f"%{source.lstrip('%')}/{wanted}"
        return self._emit(
            Node(
                name,
                "aten._to_copy.default",
                (Ref(source),),
                {"dtype": wanted},
                (TensorType(wanted, shape),),
            )
        )


def _common_type(args: Sequence[Any]) -> torch.dtype:
    """ATen's promoted type of two operands, each a graph node or a number."""
    import torch

    first, second = (a.meta["val"] if isinstance(a, torch.fx.Node) else a for a in args)
    return torch.result_type(first, second)


def _type_of(tensor: torch.Tensor) -> TensorType:
    return TensorType(_dtype_name(tensor.dtype), tuple(int(size) for size in tensor.shape))


def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _to_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    return np.ascontiguousarray(tensor.detach().cpu().numpy())
