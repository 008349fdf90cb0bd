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
    """What executes a network.

    ``modes`` and ``devices`` are what a plan can ask for. Both are open: a precision of its own is
    ``Precision("fp8-e4m3")``, a device any short word (``vulkan``, ``tpu``). What ends in
    ``-static`` is given calibration inputs. A plan that names something else is refused with the
    nearest of these.

    What the frameworks here share, and another may use:

    * ``frameworks.support``: ``has_cell(name, modes, setup)`` and ``lacks(packages, extra)`` say
      why a setup cannot run, or None, so that `available` reads
      ``has_cell(...) or lacks(...) or Availability(True)``; ``unavailable(detail)`` is any other
      reason, with its cure.
    * ``frameworks.buckets.bucket_sizes(network)``: every combination of sizes that a network's
      axes can have, smallest first. A framework that compiles for fixed shapes makes a program of
      each in `prepare`; a call is then padded to the smallest that holds it.
    * ``frameworks.onnx_export.shared_onnx(workspace)``: the network as ONNX, exported once and
      shared with every framework that reads ONNX (by ``workspace.shared``).
    """

    name: str
    #: mode -> precisions that it can do
    modes: Mapping[str, tuple[Precision, ...]]
    #: devices that some mode runs on, the usual one first; `devices_of` where it is left out
    devices: tuple[str, ...]
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


#: What a framework that does not name its devices may be asked for; its `available` then tells.
USUAL_DEVICES = ("cpu", "cuda")


def devices_of(framework: Framework) -> tuple[str, ...]:
    """The devices that a framework names, and the usual ones where it names none."""
    return tuple(getattr(framework, "devices", USUAL_DEVICES))


def precisions_of(framework: Framework) -> tuple[Precision, ...]:
    """The precisions that some mode of a framework can do, each once."""
    return tuple(dict.fromkeys(p for known in framework.modes.values() for p in known))
