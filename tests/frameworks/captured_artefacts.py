"""What the tests of JAX and TensorFlow share: both load the same captured program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tiny_models import TinyConvNet

#: loads an artefact in a fresh process and runs one query, then looks for torch
FRESH_PROCESS = """
import os, sys
from pathlib import Path
import numpy as np
from wattmark.records import Setup
from wattmark.frameworks.{module} import {name} as Framework
setup = Setup(framework="{module}", mode=sys.argv[2])
framework, folder = Framework(), Path(sys.argv[1])
os.environ.update(framework.environment(setup, folder, 1))
runner = framework.load(folder, None, setup, 1)
output = runner({{"image": np.ones((1, 3, 32, 32), np.float32)}})
assert output.shape == (1, 10) and np.isfinite(output).all()
assert "torch" not in sys.modules, "torch was imported"
"""


def difference(ours: Sequence[Any], theirs: Sequence[Any]) -> float:
    return max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True)) / max(
        np.abs(b).max() for b in theirs
    )


def with_one_wrong_tensor(folder: Path) -> None:
    """Change the sign of the last layer's matrix in the artefact's file."""
    from safetensors.numpy import load_file, save_file

    path = folder / "weights.safetensors"
    weights = load_file(path)
    (name,) = (n for n in weights if n.startswith("head.weight"))
    path.unlink()
    save_file({**weights, name: -weights[name]}, path)


def load_in_a_fresh_process(folder: Path, module: str, name: str, mode: str) -> None:
    """Load a TinyConvNet there and run a query; an import of torch is an error."""
    script = FRESH_PROCESS.format(module=module, name=name)
    subprocess.run([sys.executable, "-c", script, folder, mode], check=True)


class Sorting(TinyConvNet):
    """A model with an operator that neither table has."""

    def module(self) -> Any:
        import torch

        class Net(torch.nn.Module):
            def forward(self, image: Any) -> Any:
                return image.flatten(1).sort(dim=1)[0]

        return Net()
