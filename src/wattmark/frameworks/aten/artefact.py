"""A captured model as files: one program per padding bucket, the weights once.

``programs.json`` holds the programs, ``weights.safetensors`` every weight that any of them
reads. Reading them needs no torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Network, Workspace
from wattmark.errors import FrameworkError
from wattmark.frameworks.aten.channels_last import channels_last
from wattmark.frameworks.aten.program import Program, Ref, Weights
from wattmark.frameworks.aten.row_writes import row_writes
from wattmark.frameworks.aten.simplify import simplify
from wattmark.frameworks.buckets import bucket_shapes, example_inputs

#: what this package writes; another number is refused
FORMAT = 2
_PROGRAMS = "programs.json"
_WEIGHTS = "weights.safetensors"


def shared_programs(workspace: Workspace) -> tuple[Program, ...]:
    """Capture the workspace's network (once for all frameworks) and put its files in ``out``.

    Raises FrameworkError where the module cannot be captured.
    """
    folder = workspace.shared("aten-program", lambda new: build(workspace.model, new))
    for name in (_PROGRAMS, _WEIGHTS):
        _link(folder / name, workspace.out / name)
    return read_programs(workspace.out)


def build(network: Network, folder: Path) -> None:
    """Capture ``network`` at every size of its axes and write the files."""
    from wattmark.frameworks.aten.capture import capture

    module = network.module().eval()
    store = _WeightStore()
    programs = []
    for shapes in bucket_shapes(network):
        examples = example_inputs(network, shapes)
        captured = capture(module, examples, outputs=1 + len(network.writes))
        programs.append(store.intern(*rewritten(*captured)))
    write(programs, store.arrays, folder)


def rewritten(program: Program, weights: Weights) -> tuple[Program, Weights]:
    """The program after every pass that does not depend on the framework."""
    for one_pass in (simplify, channels_last, row_writes):
        program, weights = one_pass(program, weights)
    return program, weights


def write(programs: list[Program], weights: Weights, folder: Path) -> None:
    """Write programs and the weights that they name."""
    from safetensors.numpy import save_file

    data = {"format": FORMAT, "programs": [p.to_json() for p in programs]}
    (folder / _PROGRAMS).write_text(json.dumps(data, allow_nan=False))
    save_file(weights, folder / _WEIGHTS)


def read_programs(folder: Path) -> tuple[Program, ...]:
    """The programs, smallest bucket first. Raises FrameworkError for another format."""
    data = json.loads((folder / _PROGRAMS).read_text())
    if data["format"] != FORMAT:
        raise FrameworkError(
            f"{folder} holds programs of format {data['format']}, not {FORMAT}: prepare it again"
        )
    return tuple(Program.from_json(p) for p in data["programs"])


def read_weights(folder: Path) -> Weights:
    """Every weight by its name."""
    from safetensors.numpy import load_file

    weights: Weights = load_file(folder / _WEIGHTS)
    return weights


def drop_weights(folder: Path) -> None:
    """Remove the weights of an artefact that holds them in a form of its own."""
    (folder / _WEIGHTS).unlink()


def narrow(array: NDArray[Any]) -> NDArray[Any]:
    """The 32-bit form of a 64-bit array; integers beyond the range saturate."""
    if array.dtype == np.int64:
        bounds = np.iinfo(np.int32)
        return array.clip(bounds.min, bounds.max).astype(np.int32)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _link(source: Path, target: Path) -> None:
    """Hard-link a file, or copy it where links are not possible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


class _WeightStore:
    """Weights of several programs, each distinct array once."""

    def __init__(self) -> None:
        self.arrays: Weights = {}
        self._names: dict[str, str] = {}

    def intern(self, program: Program, weights: Weights) -> Program:
        """The program, with its weights under their names in the store."""
        names = {name: self._add(name, array) for name, array in weights.items()}
        return replace(
            program,
            weights={names[name]: kind for name, kind in program.weights.items()},
            nodes=tuple(n.map_refs(lambda r: Ref(names.get(r, r))) for n in program.nodes),
            outputs=tuple(names.get(name, name) for name in program.outputs),
        )

    def _add(self, name: str, array: NDArray[Any]) -> str:
        array = np.ascontiguousarray(array)
        content = hashlib.blake2b(array.data.cast("B") if array.size else b"", digest_size=32)
        content.update(f"{array.dtype}{array.shape}".encode())
        key = content.hexdigest()
        if key not in self._names:
            unique, count = name, 1
            while unique in self.arrays:
                count += 1
                unique = f"{name}#{count}"
            self._names[key] = unique
            self.arrays[unique] = array
        return self._names[key]
