"""What a framework must offer: it converts networks and loads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from wattmark.contracts.availability import Availability
from wattmark.contracts.network import Inputs, Network, Runner, StatefulRunner
from wattmark.records import Precision, Setup


@dataclass(frozen=True)
class Workspace:
    """What a framework gets to prepare one network.

    ``name`` is the model's. ``out`` is an empty folder that becomes the artefact. ``shared(key,
    build)`` returns a folder that several frameworks share (an ONNX export, a captured program):
    ``build(folder)`` runs at most once per network, batch and key. ``calibration`` holds real
    inputs of this network (its state comes with them under its names).
    """

    model: Network
    setup: Setup
    out: Path
    shared: Callable[[str, Callable[[Path], None]], Path]
    calibration: Sequence[Inputs] = field(default=())
    name: str = ""


class Framework(Protocol):
    """What executes a network. ``modes`` maps each mode to the precisions it can do."""

    name: str
    modes: Mapping[str, tuple[Precision, ...]]
    #: distributions that must be installed; their versions are part of the artefact's identity
    packages: tuple[str, ...]
    #: the extra that installs them
    extra: str

    def available(self, setup: Setup) -> Availability:
        """Whether this machine can run a setup of its ``modes``; imports no framework."""
        ...

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """Environment variables to set before the worker imports the framework.

        ``artefact`` is the folder that holds a folder for each network.
        """
        ...

    def prepare(self, workspace: Workspace) -> None:
        """Export, convert, quantise and (where it can be cached) compile into workspace.out."""
        ...

    def load(
        self, artefact: Path, model: Network, setup: Setup, threads: int
    ) -> Runner | StatefulRunner:
        """Load one network, ready for every shape that its sizes allow."""
        ...
