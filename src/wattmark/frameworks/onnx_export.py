"""The ONNX file that ONNX Runtime and OpenVINO share: ``torch.onnx.export(dynamo=True)``."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

from wattmark.contracts import Model, Workspace
from wattmark.errors import FrameworkError
from wattmark.frameworks.buckets import bucket_shapes, example_inputs

OPSET = 20
#: a protobuf message, and so an ONNX file with its weights inside, holds less than this
MAX_BYTES = 2**31


def shared_onnx(workspace: Workspace) -> Path:
    """The workspace's ONNX file, exported once per model and shared between frameworks."""
    folder = workspace.shared("onnx", lambda f: export_onnx(workspace.model, f / "model.onnx"))
    return folder / "model.onnx"


def export_onnx(model: Model, path: Path) -> None:
    """Write the model's module as one ONNX file of opset 20.

    Inputs are named as in ``model.inputs``, the output is ``output``. Axes for which
    ``model.axes`` gives more than one size stay symbolic. Raises FrameworkError where
    ``torch.export`` or the ONNX exporter cannot express the module, or it is over 2 GiB.
    """
    import torch

    module = model.module()
    size = sum(t.nbytes for t in (*module.parameters(), *module.buffers()))
    if size >= MAX_BYTES:
        raise FrameworkError(
            f"{model.name} has {size / 2**30:.1f} GiB of weights; one ONNX file holds less than "
            f"2 GiB: choose a framework that does not go through ONNX"
        )
    example = example_inputs(model, bucket_shapes(model)[-1])
    dims = {
        axis: torch.export.Dim(axis, min=min(sizes), max=max(sizes))
        for axis, sizes in model.axes.items()
        if len(sizes) > 1
    }
    dynamic_shapes = tuple(
        {i: dims[axis] for i, axis in enumerate(spec.shape) if axis in dims}
        for spec in model.inputs
    )
    try:
        with _silence():
            torch.onnx.export(
                module,
                tuple(torch.from_numpy(example[spec.name]) for spec in model.inputs),
                path,
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=[spec.name for spec in model.inputs],
                output_names=["output"],
                dynamic_shapes=dynamic_shapes,
                external_data=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise FrameworkError(f"{model.name} cannot be exported to ONNX: {error}") from error


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
