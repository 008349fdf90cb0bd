"""One callable from several programs: the input's shapes say which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from wattmark.contracts import Inputs, Output
from wattmark.errors import FrameworkError
from wattmark.frameworks.aten.artefact import zeros
from wattmark.frameworks.aten.program import Program
from wattmark.frameworks.buckets import Shapes


def shapes_of(program: Program) -> Shapes:
    """The shapes of a program's inputs, in order: the key by which it is found."""
    return tuple(kind.shape for kind in program.inputs.values())


class ShapeDispatch:
    """A runner: looks the compiled function up by the shapes of the inputs and calls it.

    ``names`` are the inputs in order; each function takes them as host arrays and returns the
    output as one. Shapes that no function was compiled for raise FrameworkError.
    """

    def __init__(
        self, names: Sequence[str], functions: Mapping[Shapes, Callable[..., Output]]
    ) -> None:
        self._names = tuple(names)
        self._functions = dict(functions)

    @classmethod
    def compiled(
        cls, programs: Sequence[Program], compile_: Callable[[Program], Callable[..., Output]]
    ) -> Self:
        """One function per program, each run once on zeros so that nothing is left to compile."""
        functions = {shapes_of(program): compile_(program) for program in programs}
        for program in programs:
            functions[shapes_of(program)](*zeros(program))
        return cls(list(programs[0].inputs), functions)

    def __call__(self, inputs: Inputs) -> Output:
        """The output for one query."""
        arrays: list[Any] = [inputs[name] for name in self._names]
        shapes = tuple([array.shape for array in arrays])
        function = self._functions.get(shapes)
        if function is None:
            known = ", ".join(map(str, self._functions))
            raise FrameworkError(
                f"no program was compiled for input shapes {shapes}; there are: {known}"
            )
        return function(*arrays)
