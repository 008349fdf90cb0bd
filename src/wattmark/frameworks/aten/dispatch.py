"""One runner from several programs: the shapes of what it is given say which runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from wattmark.contracts import Inputs, Network, Output, State
from wattmark.errors import FrameworkError
from wattmark.frameworks.aten.program import Program, TensorType
from wattmark.frameworks.buckets import Shapes, example_inputs, initial_state

#: one program: host arrays of the inputs, tensors of the state that is read -> the output on the
#: host, tensors of the state that is written
Compiled = Callable[[Sequence[Any], Sequence[Any]], tuple[Output, Sequence[Any]]]
#: a framework's tensor of zeros
Zeros = Callable[[TensorType], Any]

_Function = TypeVar("_Function")


class ShapeDispatch(Generic[_Function]):
    """Finds a function by the shapes of the inputs and, where those do not say it, of the state.

    Frameworks tell shapes slowly and a decoder has many caches, so that of the state only the
    first tensor of each variable axis that no input has is looked at.
    """

    def __init__(self, network: Network, functions: Sequence[tuple[Program, _Function]]) -> None:
        self._inputs = [spec.name for spec in network.inputs]
        said = {axis for spec in network.inputs for axis in spec.shape}
        self._state: list[str] = []
        for spec in network.reads:
            new = {axis for axis in spec.shape if isinstance(axis, str)} - said
            if new:
                self._state.append(spec.name)
                said |= new
        names = [*self._inputs, *self._state]
        self._functions: Mapping[Shapes, _Function] = {
            tuple(program.inputs[name].shape for name in names): function
            for program, function in functions
        }

    def find(self, inputs: Inputs, state: State) -> _Function:
        """Raises FrameworkError for shapes that nothing was compiled for."""
        shapes = tuple([inputs[name].shape for name in self._inputs])
        if self._state:
            shapes += tuple([tuple(state[name].shape) for name in self._state])
        function = self._functions.get(shapes)
        if function is None:
            known = ", ".join(map(str, self._functions))
            raise FrameworkError(
                f"no program was compiled for input shapes {shapes}; there are: {known}"
            )
        return function


class StatelessPrograms:
    """A :class:`wattmark.contracts.Runner`."""

    def __init__(self, network: Network, functions: Sequence[tuple[Program, Compiled]]) -> None:
        self._names = [spec.name for spec in network.inputs]
        self._dispatch = ShapeDispatch(network, functions)

    def __call__(self, inputs: Inputs) -> Output:
        """The output for one call."""
        function = self._dispatch.find(inputs, {})
        return function([inputs[name] for name in self._names], ())[0]


class StatefulPrograms:
    """A :class:`wattmark.contracts.StatefulRunner`; its state is the framework's own tensors."""

    def __init__(
        self, network: Network, functions: Sequence[tuple[Program, Compiled]], zeros: Zeros
    ) -> None:
        self._network = network
        self._zeros = zeros
        self._types = functions[0][0].inputs
        self._inputs = [spec.name for spec in network.inputs]
        self._reads = [spec.name for spec in network.reads]
        self._writes = [spec.name for spec in network.writes]
        self._dispatch = ShapeDispatch(network, functions)

    def start(self, sizes: Mapping[str, int]) -> State:
        """Zeros for all that the network reads."""
        return {
            name: self._zeros(TensorType(self._types[name].dtype, array.shape))
            for name, array in initial_state(self._network, sizes).items()
        }

    def step(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        """One call; ``state`` may have been written over."""
        function = self._dispatch.find(inputs, state)
        given = [inputs[name] for name in self._inputs]
        output, written = function(given, [state[name] for name in self._reads])
        return output, {**state, **dict(zip(self._writes, written, strict=True))}


def runner(
    network: Network,
    programs: Sequence[Program],
    compile_: Callable[[Program], Compiled],
    tensor_of_zeros: Zeros,
) -> StatelessPrograms | StatefulPrograms:
    """A runner with one function per program, each run once so that nothing is left to compile."""
    functions = [(program, compile_(program)) for program in programs]
    for program, function in functions:
        example = example_inputs(network, tuple(kind.shape for kind in program.inputs.values()))
        state = [tensor_of_zeros(program.inputs[spec.name]) for spec in network.reads]
        function([example[spec.name] for spec in network.inputs], state)
    if network.stateful:
        return StatefulPrograms(network, functions, tensor_of_zeros)
    return StatelessPrograms(network, functions)
