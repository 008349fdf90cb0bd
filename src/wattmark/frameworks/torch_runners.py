"""Runners over PyTorch tensors, and the reference that every framework is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from wattmark.contracts import Inputs, Network, Output, Runner, State, StatefulRunner
from wattmark.errors import FrameworkError
from wattmark.frameworks.buckets import Shapes, bucket_shapes, example_inputs, initial_state
from wattmark.records import Precision

if TYPE_CHECKING:
    import torch

#: What a module's forward is: tensors of the inputs and reads in, the output (and writes) out.
Call = Callable[..., Any]


def reference_runners(networks: Iterable[Network]) -> dict[str, Runner | StatefulRunner]:
    """Each network by name, run by PyTorch eager in FP32 on the CPU, straight from its module.

    This is the reference: nothing is converted, stored or compiled.
    """
    return {network.name: runner(network.module(), network) for network in networks}


def runner(
    call: Call,
    network: Network,
    precision: Precision = Precision.FP32,
    device: str = "cpu",
    guard: Callable[[], Any] | None = None,
) -> Runner | StatefulRunner:
    """``call`` as what the protocol runs: host arrays in, a float32 host array out.

    Floating-point inputs and state take the precision's own type. The output is copied to the
    host, so a GPU has finished when it is there. Runs under ``guard``, which by default is
    ``torch.inference_mode``.
    """
    import torch

    kind = _Stateful if network.stateful else _Stateless
    placement = _Placement(device, activation_type(precision))
    return kind(call, network, placement, guard or torch.inference_mode)


def activation_type(precision: Precision) -> torch.dtype:
    """The floating-point type that activations and state have at this precision."""
    import torch

    match precision:
        case Precision.FP16:
            return torch.float16
        case Precision.BF16 | Precision.INT8_WEIGHT_ONLY | Precision.INT4_WEIGHT_ONLY:
            return torch.bfloat16
        case _:
            return torch.float32


def examples(
    network: Network, precision: Precision, device: str
) -> dict[Shapes, tuple[torch.Tensor, ...]]:
    """Tensors of inputs and reads to trace or compile with, for every combination of sizes."""
    placement = _Placement(device, activation_type(precision))
    return {
        shapes: tuple(placement.tensor(a) for a in example_inputs(network, shapes).values())
        for shapes in bucket_shapes(network)
    }


def by_shape(programs: Mapping[Shapes, Call]) -> Call:
    """One call for programs that were each made for one combination of shapes.

    They get tensors laid out as those that they were made with. The call raises FrameworkError
    for shapes that none was made for.
    """

    def call(*tensors: Any) -> Any:
        shapes = tuple(tuple(tensor.shape) for tensor in tensors)
        program = programs.get(shapes)
        if program is None:
            known = "; ".join(str(shapes) for shapes in programs)
            raise FrameworkError(
                f"no program was compiled for inputs of shapes {shapes}; compiled were {known}: "
                f"add the sizes to the network's axes or sizes"
            )
        return program(*map(laid_out, tensors))

    return call


def laid_out(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor row by row, with the strides that a new one of its shape has.

    A slice of one row or column counts as contiguous whatever its strides: code that was compiled
    for a layout looks at the strides.
    """
    return tensor.reshape(-1).view(tensor.shape)


class _Placement:
    """Between host arrays and tensors of one device and floating-point type."""

    def __init__(self, device: str, dtype: torch.dtype) -> None:
        import torch

        self.device, self.dtype = device, dtype
        self._from_numpy, self._float32 = torch.from_numpy, torch.float32

    def tensor(self, array: Any) -> torch.Tensor:
        tensor = self._from_numpy(array)
        dtype = self.dtype if tensor.is_floating_point() else None
        return tensor.to(self.device, dtype)

    def array(self, tensor: torch.Tensor) -> Output:
        if tensor.is_floating_point():
            tensor = tensor.to(self._float32)
        array: Output = tensor.cpu().numpy()
        return array


class _Stateless:
    def __init__(
        self, call: Call, network: Network, placement: _Placement, guard: Callable[[], Any]
    ) -> None:
        self._call, self._placement, self._guard = call, placement, guard
        self._inputs = [spec.name for spec in network.inputs]

    def __call__(self, inputs: Inputs) -> Output:
        tensor = self._placement.tensor
        with self._guard():
            result = self._call(*[tensor(inputs[name]) for name in self._inputs])
            return self._placement.array(result)


class _Stateful:
    """State stays on the device, as tensors."""

    def __init__(
        self, call: Call, network: Network, placement: _Placement, guard: Callable[[], Any]
    ) -> None:
        self._call, self._network, self._placement, self._guard = call, network, placement, guard
        self._inputs = [spec.name for spec in network.inputs]
        self._reads = [spec.name for spec in network.reads]
        self._writes = [spec.name for spec in network.writes]

    def start(self, sizes: Mapping[str, int]) -> State:
        """Zeros at these sizes. Raises FrameworkError where an axis has no size."""
        zeros = initial_state(self._network, sizes)
        with self._guard():
            return {name: self._placement.tensor(array) for name, array in zeros.items()}

    def step(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        """One call: the output, and the state with what was written replaced."""
        tensor = self._placement.tensor
        with self._guard():
            given = [tensor(inputs[name]) for name in self._inputs]
            result = self._call(*given, *[state[name] for name in self._reads])
            output, *written = result if self._writes else (result,)
            host = self._placement.array(output)
        return host, {**state, **dict(zip(self._writes, written, strict=True))}
