"""The ONNX file that ONNX Runtime and OpenVINO share: ``torch.onnx.export(dynamo=True)``."""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import shutil
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattmark.contracts import Network, Workspace
from wattmark.errors import FrameworkError
from wattmark.frameworks.buckets import bucket_shapes, bucket_sizes, example_inputs

if TYPE_CHECKING:
    import torch

OPSET = 20
FILE = "model.onnx"
OUTPUT = "output"
#: a protobuf message, and so an ONNX file with its weights inside, holds less than this
MAX_BYTES = 2**31


def written(name: str) -> str:
    """What the graph calls state that it writes: ``name`` itself may be one of its inputs."""
    return f"next_{name}"


def shared_onnx(workspace: Workspace) -> Path:
    """The workspace's ONNX file, exported once per network and shared between frameworks."""
    return workspace.shared("onnx", lambda f: export_onnx(workspace.model, f / FILE)) / FILE


def external_data(path: Path) -> Path:
    """Where the weights of an ONNX file are if they are not inside it."""
    return path.with_name(f"{path.name}.data")


def copy_onnx(source: Path, folder: Path) -> None:
    """Put the ONNX file, with its external data, into the folder under the same name.

    Not as a hard link, which saves space: ONNX refuses external data that has one.
    """
    for file in (source, external_data(source)):
        if file.exists():
            shutil.copyfile(file, folder / file.name)


def export_onnx(network: Network, path: Path) -> None:
    """Write the network's module as one ONNX file of opset 20.

    Inputs are named as in ``network.inputs`` and ``network.reads``; outputs are ``output`` and
    ``next_NAME`` for each of ``network.writes``. Axes that take more than one size stay symbolic.
    Weights of 2 GiB or more are written beside it (``model.onnx.data``). Raises FrameworkError
    where ``torch.export`` or the ONNX exporter cannot express the module.
    """
    import torch

    module = network.module()
    size = sum(t.nbytes for t in (*module.parameters(), *module.buffers()))
    specs = (*network.inputs, *network.reads)
    example = example_inputs(network, bucket_shapes(network)[-1])
    try:
        with _silence():
            torch.onnx.export(
                module,
                tuple(torch.from_numpy(example[spec.name]) for spec in specs),
                path,
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=[spec.name for spec in specs],
                output_names=[OUTPUT, *(written(spec.name) for spec in network.writes)],
                dynamic_shapes=_per_parameter(module, _symbolic_axes(network)),
                external_data=size >= MAX_BYTES,
            )
    except torch.onnx.OnnxExporterError as error:
        raise FrameworkError(f"{network.name} cannot be exported to ONNX: {error}") from error


def _symbolic_axes(network: Network) -> list[dict[int, Any]]:
    """For each input and read, the axes that take more than one size."""
    from torch.export import Dim

    seen: dict[str, set[int]] = {}
    for sizes in bucket_sizes(network):
        for axis, size in sizes.items():
            seen.setdefault(axis, set()).add(size)
    dims = {
        axis: Dim(axis, min=min(taken), max=max(taken))
        for axis, taken in seen.items()
        if len(taken) > 1
    }
    return [
        {i: dims[axis] for i, axis in enumerate(spec.shape) if axis in dims}
        for spec in (*network.inputs, *network.reads)
    ]


def _per_parameter(module: torch.nn.Module, axes: Sequence[Any]) -> tuple[Any, ...]:
    """One entry per parameter of ``forward``; what ``*state`` takes is a tuple of its own."""
    parameters = list(inspect.signature(module.forward).parameters.values())
    for i, parameter in enumerate(parameters):
        if parameter.kind is parameter.VAR_POSITIONAL:
            return (*axes[:i], tuple(axes[i:]))
    return tuple(axes)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Swallow progress on stdout, warnings and notes on packages that are not needed."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
