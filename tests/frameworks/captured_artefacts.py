"""What the tests of JAX and TensorFlow share: both load the same captured programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from tiny_models import (
    Calls,
    Reference,
    TinyConvNet,
    TinyCrossDecoder,
    TinyDecoder,
    TinyEncoder,
)

from wattmark.contracts import Framework, Inputs, Network, Workspace
from wattmark.frameworks.aten import artefact
from wattmark.frameworks.buckets import bucket_shapes, bucket_sizes
from wattmark.records import Precision, Setup

#: loads an artefact in a fresh process and runs one query, then looks for what must not be there
FRESH_PROCESS = """
import os, sys
from pathlib import Path
import numpy as np
folder, mode, tests, forbidden = sys.argv[1:]
sys.path.insert(0, tests)
from tiny_models import TinyConvNet
from wattmark.records import Setup
from wattmark.frameworks.{module} import {name} as Framework
setup = Setup(framework="{module}", mode=mode)
framework = Framework()
os.environ.update(framework.environment(setup, Path(folder), 1))
runner = framework.load(Path(folder), TinyConvNet(), setup, 1)
output = runner({{"image": np.ones((1, 3, 32, 32), np.float32)}})
assert output.shape == (1, 10) and np.isfinite(output).all()
for name in forbidden.split(","):
    assert name not in sys.modules, name + " was imported"
"""


def difference(ours: Sequence[Any], theirs: Sequence[Any]) -> float:
    return max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True)) / max(
        np.abs(b).max() for b in theirs
    )


def short_decoder(batch: int = 1) -> Network:
    """TinyDecoder for prompts of 4 tokens only: half the programs."""
    return replace(TinyDecoder(), sizes=TinyDecoder().sizes[:2]).with_batch(batch)


def short_cross_decoder() -> tuple[Network, Network]:
    """TinyEncoder and TinyCrossDecoder for 5 frames only."""
    decoder = TinyCrossDecoder()
    return (
        replace(TinyEncoder(), axes={"frames": (5,)}),
        replace(decoder, axes={**decoder.axes, "frames": (5,)}),
    )


_CAPTURED: dict[str, TemporaryDirectory[str]] = {}


def captured(network: Network) -> Path:
    """The programs of one of the tiny networks; captured once a session."""
    key = f"{type(network).__name__} {bucket_shapes(network)}"
    if key not in _CAPTURED:
        _CAPTURED[key] = TemporaryDirectory()
        artefact.build(network, Path(_CAPTURED[key].name))
    return Path(_CAPTURED[key].name)


def prepared(
    framework: Framework,
    network: Network,
    out: Path,
    mode: str,
    precision: str = "fp32",
    calibration: Sequence[Inputs] = (),
) -> Path:
    """The folder that ``framework`` has prepared of one of the tiny networks."""
    setup = Setup(framework=framework.name, mode=mode, precision=Precision(precision))
    folder = out / f"{network.name}-{mode}-{precision}"
    folder.mkdir()

    def shared(key: str, build: Callable[[Path], None]) -> Path:
        return captured(network)

    framework.prepare(Workspace(network, setup, folder, shared, calibration, network.name))
    return folder


def loaded(
    framework: Framework,
    network: Network,
    out: Path,
    mode: str,
    precision: str = "fp32",
    calibration: Sequence[Inputs] = (),
) -> Any:
    """A runner of one of the tiny networks, prepared and loaded."""
    folder = prepared(framework, network, out, mode, precision, calibration)
    setup = Setup(framework=framework.name, mode=mode, precision=Precision(precision))
    return framework.load(folder, network, setup, 1)


def conversations(network: Any, batch: int) -> list[tuple[Mapping[str, int], Calls]]:
    """A tiny decoder's that its sizes allow, for ``batch`` queries with token ids of their own."""

    def wide(name: str, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        own = [(array + row) % 50 if name == "input_ids" else array for row in range(batch)]
        return np.concatenate(own)

    contexts = {sizes["context"] for sizes in bucket_sizes(network)}
    return [
        (sizes, [{name: wide(name, a) for name, a in call.items()} for call in calls])
        for sizes, calls in network.conversations()
        if sizes["context"] in contexts
    ]


def with_state(network: Network, sizes: Mapping[str, int], calls: Calls) -> list[Inputs]:
    """The calls, each with the state that it finds: what calibration gets."""
    runner, found = Reference(network), []
    state = runner.start(sizes)
    for call in calls:
        found.append({**call, **{name: tensor.numpy() for name, tensor in state.items()}})
        _, state = runner.step(call, state)
    return found


def with_one_wrong_tensor(folder: Path) -> None:
    """Change the sign of the last layer's matrix in the artefact's file."""
    from safetensors.numpy import load_file, save_file

    path = folder / "weights.safetensors"
    weights = load_file(path)
    (name,) = (n for n in weights if n.startswith("head.weight"))
    path.unlink()
    save_file({**weights, name: -weights[name]}, path)


def load_in_a_fresh_process(
    folder: Path, module: str, name: str, mode: str, forbidden: str = "torch"
) -> None:
    """Load a TinyConvNet there and run a query; an import of ``forbidden`` is an error."""
    script = FRESH_PROCESS.format(module=module, name=name)
    tests = str(Path(__file__).parent)
    subprocess.run([sys.executable, "-c", script, folder, mode, tests, forbidden], check=True)


def sorting() -> Network:
    """A network with an operator that no table has."""
    import torch

    class Net(torch.nn.Module):
        def forward(self, image: Any) -> Any:
            return image.flatten(1).sort(dim=1)[0]

    return replace(TinyConvNet(), build=Net)
