"""Networks of a model, and their runners: what frameworks convert and execute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


Inputs = dict[str, NDArray[Any]]


Output = NDArray[Any]


@dataclass(frozen=True)
class InputSpec:
    """One tensor of a network. ``shape`` holds ints and, for a variable axis, its name.

    The first axis is the batch and is written 1; a setup with ``batch`` n gets n there.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class Network:
    """One graph of a model that a framework converts, loads and runs as a whole.

    A classifier has one, ``forward``; a speech recogniser two, ``encode`` and ``decode``.
    ``build`` gives the reference: a PyTorch module in eval mode whose forward takes the tensors
    of ``inputs`` and then those of ``reads``, in order, and returns one tensor, or, where
    ``writes`` is not empty, the output followed by the tensors of ``writes``.

    ``reads`` and ``writes`` are *state* (a key-value cache, an encoder's keys and values): tensors
    that pass from call to call by their name and need never reach the host. A name that is both
    read and written keeps its shape. Networks of one model share names.

    ``axes`` gives the sizes that each variable axis may take, smallest first. All combinations
    may occur, unless ``sizes`` lists those that do. A framework may compile a program for each.
    """

    name: str
    inputs: tuple[InputSpec, ...]
    build: Callable[[], torch.nn.Module]
    axes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    reads: tuple[InputSpec, ...] = ()
    writes: tuple[InputSpec, ...] = ()
    sizes: tuple[Mapping[str, int], ...] = ()

    @property
    def stateful(self) -> bool:
        """Whether it is run by a :class:`StatefulRunner`."""
        return bool(self.reads or self.writes)

    def module(self) -> torch.nn.Module:
        """The reference module; a new one each time."""
        return self.build()

    def with_batch(self, batch: int) -> Network:
        """The same network for ``batch`` queries at once."""

        def widened(specs: tuple[InputSpec, ...]) -> tuple[InputSpec, ...]:
            return tuple(replace(spec, shape=(batch, *spec.shape[1:])) for spec in specs)

        return replace(
            self,
            inputs=widened(self.inputs),
            reads=widened(self.reads),
            writes=widened(self.writes),
        )


class Runner(Protocol):
    """A loaded network without state: host arrays in, one host array out, synchronised."""

    def __call__(self, inputs: Inputs) -> Output:
        """The output for one call."""
        ...


#: State tensors by name, as the framework holds them: opaque to everybody else.
State = Mapping[str, Any]


class StatefulRunner(Protocol):
    """A loaded network with state."""

    def start(self, sizes: Mapping[str, int]) -> State:
        """Zeros for all that the network reads, at these sizes of its axes."""
        ...

    def step(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        """One call: the output on the host, and the state with what was written replaced.

        ``state`` must not be used again: a framework may have written over it.
        """
        ...


Runners = Mapping[str, Any]
"""A model's loaded networks by name: each a Runner or, where it is stateful, a StatefulRunner."""
