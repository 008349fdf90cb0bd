"""One Keras model on Keras' backends: the same weights, the same numbers, no converter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wattmark.contracts import Network, Workspace
from wattmark.errors import UnsupportedSetupError
from wattmark.frameworks.keras import BACKENDS, Keras
from wattmark.models.efficientnet_lite0_keras import _in_keras
from wattmark.records import Setup

#: A process for each backend: Keras has one for its life. Two small layers, weights by a seed.
SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
from wattmark.contracts import InputSpec, Network, Workspace
from wattmark.frameworks.keras import Keras
from wattmark.records import Setup

def build():
    import keras
    x = keras.Input((4, 6, 6))
    y = keras.layers.Permute((2, 3, 1))(x)
    y = keras.layers.Conv2D(8, 3, activation="relu")(y)
    y = keras.layers.GlobalAveragePooling2D()(y)
    model = keras.Model(x, keras.layers.Dense(3)(y))
    rng = np.random.default_rng(0)
    model.set_weights([rng.standard_normal(w.shape).astype("float32") for w in model.weights])
    return model

setup = Setup(framework="keras", mode=sys.argv[1])
network = Network("forward", (InputSpec("x", "float32", (1, 4, 6, 6)),), build)
folder = Path(sys.argv[2])
Keras().prepare(Workspace(network, setup, folder, lambda key, build: folder))
runner = Keras().load(folder, network, setup, 1)
x = np.random.default_rng(1).standard_normal((1, 4, 6, 6)).astype("float32")
print(json.dumps(runner({"x": x}).tolist()))
"""


def answer(backend: str, folder: Path) -> np.ndarray:
    setup = Setup(framework="keras", mode=backend)
    environment = Keras().environment(setup, folder, threads=1)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, backend, str(folder)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return np.array(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_all_backends_give_the_same_numbers(tmp_path: Path) -> None:
    answers = {}
    for backend in BACKENDS:
        (tmp_path / backend).mkdir()
        answers[backend] = answer(backend, tmp_path / backend)

    scale = np.abs(answers["torch"]).max()
    for backend, found in answers.items():
        assert np.abs(found - answers["torch"]).max() <= 1e-5 * scale, backend


def test_a_network_that_is_not_written_in_keras_is_refused(tmp_path: Path) -> None:
    def build() -> object:
        import torch

        return torch.nn.Linear(2, 2)

    network = Network("forward", (), build)  # type: ignore[arg-type]
    workspace = Workspace(
        network,
        Setup(framework="keras", mode="torch"),
        tmp_path,
        lambda key, b: tmp_path,
        (),
        "mlp",
    )

    with pytest.raises(UnsupportedSetupError, match=r"mlp: .* not written in Keras"):
        Keras().prepare(workspace)


def test_weights_of_pytorch_are_turned_as_keras_keeps_them() -> None:
    class DepthwiseConv2D: ...

    kernel = np.zeros((8, 4, 3, 5), np.float32)
    assert _in_keras(None, kernel).shape == (3, 5, 4, 8)
    assert _in_keras(DepthwiseConv2D(), np.zeros((8, 1, 3, 5), np.float32)).shape == (3, 5, 8, 1)
    assert _in_keras(None, np.zeros((10, 20), np.float32)).shape == (20, 10)
    assert _in_keras(None, np.zeros(8, np.float32)).shape == (8,)
