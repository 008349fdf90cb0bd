"""LiteRT (formerly TensorFlow Lite): a captured program as one flatbuffer, run by ai-edge-litert.

Every size of a network is a *signature* of the same file, so that the weights are in it once.

* ``fp32``: as captured;
* ``int8-dynamic``: weights of 8 bits, activations quantised as they come (dynamic range);
* ``int8-static``: activations of 8 bits too, with ranges seen on calibration inputs. Inputs,
  outputs, and operators that 8 bits would ruin (softmax, what a normalisation is made of) stay
  float32: LiteRT's selective quantisation.

(ai.google.dev/edge/litert/conversion/tensorflow/quantization: post_training_quantization and
quantization_debugger.) State is host arrays that go in and come out with each call: the runtime
copies them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from wattmark.contracts import Inputs, Network, Output, Runner, StatefulRunner, Workspace
from wattmark.errors import FrameworkError
from wattmark.frameworks.aten import artefact as artefacts
from wattmark.frameworks.aten.dispatch import Compiled, runner
from wattmark.frameworks.aten.evaluate import check_supported, evaluate
from wattmark.frameworks.litert_static import quantised
from wattmark.records import Precision

if TYPE_CHECKING:
    from wattmark.frameworks.aten.program import Program, TensorType, Weights

#: the distribution that holds the runtime
PACKAGE = "ai-edge-litert"
_MODEL = "model.tflite"


def prepare(workspace: Workspace) -> None:
    """Capture, convert and quantise into ``model.tflite``.

    Raises UnsupportedOpError for an operator without a rule, FrameworkError where TensorFlow
    cannot convert the graph or ``int8-static`` has no calibration inputs.
    """
    if workspace.setup.precision is Precision.INT8_STATIC and not workspace.calibration:
        raise FrameworkError(f"{workspace.name}: int8-static needs calibration inputs")
    programs = artefacts.shared_programs(workspace)
    from wattmark.frameworks.aten.tf_ops import LITERT_OPS

    check_supported(programs, LITERT_OPS, "LiteRT")
    flatbuffer = _converted(workspace, programs)
    (workspace.out / _MODEL).write_bytes(flatbuffer)
    artefacts.drop_weights(workspace.out)


def _converted(workspace: Workspace, programs: Sequence[Program]) -> bytes:
    import tensorflow as tf

    with TemporaryDirectory() as folder:
        _save(artefacts.read_weights(workspace.out), programs, folder)
        keys = [_signature(place) for place in range(len(programs))]
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=keys)
        try:
            return _quantised(converter, workspace, programs)
        except Exception as error:
            raise FrameworkError(
                f"TensorFlow cannot convert {workspace.name} to LiteRT "
                f"{workspace.setup.precision.value}: {error}"
            ) from error


def _save(weights: Weights, programs: Sequence[Program], folder: str) -> None:
    """A SavedModel with a signature for each program; on disk, it is out of memory's way."""
    import tensorflow as tf

    module = tf.Module()
    module.variables_by_name = {
        name: tf.Variable(artefacts.narrow(weights.pop(name)), trainable=False)
        for name in list(weights)
    }
    functions = [_function(program, module.variables_by_name) for program in programs]
    signatures = {_signature(place): function for place, function in enumerate(functions)}
    tf.saved_model.save(module, folder, signatures=signatures)


def _function(program: Program, variables: Mapping[str, Any]) -> Any:
    import tensorflow as tf

    from wattmark.frameworks.aten.tf_ops import LITERT_OPS
    from wattmark.frameworks.aten.tf_shapes import dtype_of

    def forward(*inputs: Any) -> Any:
        values = {name: tf.convert_to_tensor(variables[name]) for name in program.weights}
        values.update(zip(program.inputs, inputs, strict=True))
        results = evaluate(program, values, LITERT_OPS, "LiteRT")
        return {_result(n): tf.identity(result) for n, result in enumerate(results)}

    signature = [
        tf.TensorSpec(kind.shape, dtype_of(kind.dtype), name=_argument(n))
        for n, kind in enumerate(program.inputs.values())
    ]
    return tf.function(forward, signature, autograph=False).get_concrete_function()


def _quantised(converter: Any, workspace: Workspace, programs: Sequence[Program]) -> bytes:
    import tensorflow as tf

    if workspace.setup.precision is Precision.FP32:
        return bytes(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if workspace.setup.precision is Precision.INT8_DYNAMIC:
        return bytes(converter.convert())
    return quantised(converter, programs, lambda: _calibration(workspace, programs))


def _calibration(workspace: Workspace, programs: Sequence[Program]) -> Iterator[tuple[str, Inputs]]:
    """Calibration inputs, each with the signature that its shapes belong to.

    A size that none of them has gets those of smaller sizes, padded with zeros as a bucket is.
    Raises FrameworkError where there are none either: it would stay float32 unnoticed.
    """
    for place, program in enumerate(programs):
        fitting = [query for query in workspace.calibration if _missing(query, program) == 0]
        fitting = fitting or [q for q in workspace.calibration if (_missing(q, program) or 0) > 0]
        if not fitting:
            shapes = ", ".join(f"{n} {kind.shape}" for n, kind in program.inputs.items())
            raise FrameworkError(
                f"{workspace.name}: int8-static needs calibration inputs of every size, or of a "
                f"smaller one; there are none for {shapes}"
            )
        for query in fitting:
            arrays = (_padded(query[name], kind.shape) for name, kind in program.inputs.items())
            yield (
                _signature(place),
                {_argument(n): artefacts.narrow(a) for n, a in enumerate(arrays)},
            )


def _missing(query: Inputs, program: Program) -> int | None:
    """How many numbers must be added to the query for it to fit; None where it is too large."""
    added = 0
    for name, kind in program.inputs.items():
        shape = query[name].shape
        if any(own > wanted for own, wanted in zip(shape, kind.shape, strict=True)):
            return None
        added += kind.size - query[name].size
    return added


def _padded(array: Any, shape: tuple[int, ...]) -> Any:
    return np.pad(array, [(0, m - n) for n, m in zip(array.shape, shape, strict=True)])


def load(artefact: Path, network: Network, threads: int) -> Runner | StatefulRunner:
    """A runner with every size allocated and run once. Does not import TensorFlow."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(
        str(artefact / _MODEL), num_threads=threads or len(os.sched_getaffinity(0))
    )
    programs = artefacts.read_programs(artefact)
    places = iter(range(len(programs)))

    def compiled(program: Program) -> Compiled:
        return _run(
            interpreter.get_signature_runner(_signature(next(places))), len(program.outputs)
        )

    return runner(network, programs, compiled, _zeros)


def _zeros(kind: TensorType) -> Any:
    return artefacts.narrow(np.zeros(kind.shape, kind.dtype))


def _run(signature: Any, results: int) -> Compiled:
    names = [_result(n) for n in range(results)]

    def run(inputs: Sequence[Any], state: Sequence[Any]) -> tuple[Output, Sequence[Any]]:
        given = {_argument(n): _narrow(a) for n, a in enumerate([*inputs, *state])}
        found = signature(**given)
        output, *written = [found[name] for name in names]
        return output, written

    return run


def _narrow(array: Any) -> Any:
    return array.astype(np.int32) if array.dtype == np.int64 else array


def _signature(place: int) -> str:
    return f"size_{place}"


def _argument(place: int) -> str:
    return f"argument_{place}"


def _result(place: int) -> str:
    return f"result_{place}"
