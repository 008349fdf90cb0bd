"""Keras 3: one model, written once in Keras, on each of Keras' backends, without a converter.

A second way to compare frameworks. What is measured is Keras on a framework, its own overhead
included: set it beside the framework's own setups, do not mix them up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from wattmark.contracts import Availability, Inputs, Network, Output, Runner, Workspace
from wattmark.errors import UnsupportedSetupError
from wattmark.frameworks.buckets import bucket_shapes, example_inputs
from wattmark.frameworks.support import has_cell, lacks
from wattmark.records import Precision, Setup

#: Keras' name of each backend, and the distribution that it needs
BACKENDS = {
    "tensorflow": "tensorflow-cpu",
    "torch": "torch",
    "jax": "jax",
    "openvino": "openvino",
}
_FILE = "model.weights.h5"


class Keras:
    """Modes are Keras' backends; a network's ``build`` gives a ``keras.Model`` under each.

    Keras takes its backend from ``KERAS_BACKEND`` when it is imported, which is why a setup's
    worker has it in its environment. Queries are answered by ``predict_on_batch``: compiled
    (``tf.function``, ``jax.jit``, an OpenVINO model), or eager with PyTorch.
    """

    name = "keras"
    modes: Mapping[str, tuple[Precision, ...]] = dict.fromkeys(BACKENDS, (Precision.FP32,))
    packages = ("keras", "torch")
    devices = ("cpu",)
    extra = "keras"

    def available(self, setup: Setup) -> Availability:
        """Whether Keras and the backend's own package are installed."""
        missing = has_cell(self.name, self.modes, setup) or lacks(self.packages, self.extra)
        if missing is None:
            missing = lacks((BACKENDS[setup.mode],), setup.mode)
        return missing or Availability(True)

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """The backend, and no GPU where none is asked for."""
        return {
            "KERAS_BACKEND": setup.mode,
            "OMP_NUM_THREADS": str(threads),
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "JAX_PLATFORMS": "cpu",
        }

    def prepare(self, workspace: Workspace) -> None:
        """Store the weights. Raises UnsupportedSetupError for a network not written in Keras."""
        model = _keras_model(workspace.model, workspace.name)
        model.save_weights(workspace.out / _FILE)

    def load(self, artefact: Path, model: Network, setup: Setup, threads: int) -> Runner:
        """The model with the artefact's weights, called once at every size."""
        loaded = _keras_model(model, model.name)
        loaded.load_weights(artefact / _FILE)
        names = [spec.name for spec in model.inputs]

        def run(inputs: Inputs) -> Output:
            given = [inputs[name] for name in names]
            return np.asarray(loaded.predict_on_batch(given[0] if len(given) == 1 else given))

        with _full_precision(setup.mode):
            for shapes in bucket_shapes(model):
                run(example_inputs(model, shapes))
        return run


@contextmanager
def _full_precision(backend: str) -> Iterator[None]:
    """Have OpenVINO compile in FP32, whatever the plug-in's default is.

    Keras leaves it the default, which is BF16 on CPUs that have it (1 % of difference in the
    outputs), and has no setting for it.
    """
    if backend != "openvino":
        yield
        return
    import openvino

    default = openvino.compile_model
    openvino.compile_model = partial(default, config={"INFERENCE_PRECISION_HINT": "f32"})
    try:
        yield
    finally:
        openvino.compile_model = default


def _keras_model(network: Network, name: str) -> Any:
    import keras

    model = network.module()
    if network.stateful or not isinstance(model, keras.Model):
        raise UnsupportedSetupError(
            f"{name}: the network {network.name!r} is not written in Keras, so that Keras cannot "
            "run it on its backends: choose a model whose card says that it is"
        )
    return model
