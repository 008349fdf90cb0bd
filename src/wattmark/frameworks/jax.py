"""JAX: the captured program as one ``jax.jit`` function for each size of a network's axes."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wattmark.contracts import (
    Availability,
    Network,
    Output,
    Runner,
    StatefulRunner,
    Workspace,
)
from wattmark.frameworks.aten import artefact as artefacts
from wattmark.frameworks.aten.bfloat16 import LARGEST, in_bfloat16
from wattmark.frameworks.aten.dispatch import Compiled, runner
from wattmark.frameworks.aten.evaluate import check_supported, evaluate
from wattmark.frameworks.support import has_cell, lacks, unavailable
from wattmark.machine.cpu_info import first_processor
from wattmark.machine.gpus import has_nvidia_gpu
from wattmark.machine.installed import is_installed
from wattmark.records import Precision, Setup

if TYPE_CHECKING:
    from wattmark.frameworks.aten.program import Program, TensorType

#: compile times (in seconds) from which JAX writes to its cache
_ALWAYS, _NEVER = 0.0, 1e9
#: distributions that hold JAX's plug-in for NVIDIA GPUs, for the versions of CUDA
_CUDA_PLUGINS = ("jax-cuda13-plugin", "jax-cuda12-plugin")


class Jax:
    """JAX on CPU or an NVIDIA GPU. Mode ``jit``: one XLA executable for each size of the axes.

    Weights are arguments. State stays on the device; what a network reads and writes is donated,
    so that XLA writes a cache in place. In ``bf16`` weights, activations and state are bfloat16
    (see :mod:`wattmark.frameworks.aten.bfloat16`); outputs are float32.

    Executables are compiled by ``prepare`` into JAX's persistent cache inside the artefact. They
    fit one kind of CPU and one number of cores; elsewhere ``load`` compiles anew.
    """

    name = "jax"
    modes: Mapping[str, tuple[Precision, ...]] = {"jit": (Precision.FP32, Precision.BF16)}
    packages: tuple[str, ...] = ("jax", "jaxlib")
    devices = ("cpu", "cuda")
    extra = "jax"

    def available(self, setup: Setup) -> Availability:
        """Needs JAX, and for ``cuda`` an NVIDIA GPU and JAX's plug-in for it."""
        missing = has_cell(self.name, self.modes, setup) or lacks(self.packages, self.extra)
        if missing is not None:
            return missing
        if setup.device == "cuda":
            if not has_nvidia_gpu():
                return unavailable("no NVIDIA GPU is visible: run on a machine that has one")
            if not any(map(is_installed, _CUDA_PLUGINS)):
                return unavailable("JAX is installed without CUDA: pip install 'jax[cuda13]'")
        return Availability(True)

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """One platform; XLA without its own thread pool where one thread is asked."""
        variables = {"JAX_PLATFORMS": setup.device, "TF_CPP_MIN_LOG_LEVEL": "2"}
        if threads:
            variables["OMP_NUM_THREADS"] = str(threads)
        if threads == 1:
            variables["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        return variables

    def prepare(self, workspace: Workspace) -> None:
        """Capture the program and compile it for every size.

        Raises UnsupportedOpError for an operator that the table lacks, before anything runs.
        """
        programs = artefacts.shared_programs(workspace)
        from wattmark.frameworks.aten.jax_ops import OPS

        check_supported(programs, OPS, "JAX")
        _use_compilation_cache(workspace.out, workspace.setup.device, _ALWAYS)
        _compile(workspace.out, programs, workspace.model, workspace.setup)

    def load(
        self, artefact: Path, model: Network, setup: Setup, threads: int
    ) -> Runner | StatefulRunner:
        """A runner with every size compiled and run once."""
        _use_compilation_cache(artefact, setup.device, _NEVER)
        return _compile(artefact, artefacts.read_programs(artefact), model, setup)


def _use_compilation_cache(artefact: Path, device: str, write_from_s: float) -> None:
    """Point JAX's persistent cache at the artefact; write what takes ``write_from_s`` or more."""
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    compilation_cache.reset_cache()  # JAX looks at the folder's name only once otherwise
    folder = artefact / "compiled" / f"{device}-{_machine()}"
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", write_from_s)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")


def _machine() -> str:
    """Digest of what an executable depends on: the CPU's instructions and the cores at hand."""
    identity = [sys.platform, str(len(os.sched_getaffinity(0)))]
    wanted = ("model name", "flags", "Features", "CPU part")
    identity += [line for line in first_processor() if line.startswith(wanted)]
    return hashlib.sha256("\n".join(identity).encode()).hexdigest()[:16]


def _compile(
    artefact: Path, programs: tuple[Program, ...], network: Network, setup: Setup
) -> Runner | StatefulRunner:
    import jax
    import jax.numpy as jnp

    if setup.precision is Precision.BF16:
        state = {spec.name for spec in network.reads}
        programs = tuple(in_bfloat16(program, state) for program in programs)
    if setup.device == "cuda":  # else it opens, and reserves, every card that it sees
        jax.config.update("jax_cuda_visible_devices", "0")
    device = jax.devices(setup.device)[0]
    placed = _Placed(artefact, device)

    def zeros(kind: TensorType) -> Any:
        dtype = {"int64": "int32", "float64": "float32"}.get(kind.dtype, kind.dtype)
        return jnp.zeros(kind.shape, dtype, device=device)

    return runner(network, programs, lambda p: _function(p, network, placed), zeros)


class _Placed:
    """Weights on the device, each once for every type that a program wants it in."""

    def __init__(self, artefact: Path, device: Any) -> None:
        self._arrays = artefacts.read_weights(artefact)
        self._device = device
        self._placed: dict[tuple[str, str], Any] = {}

    def of(self, program: Program) -> list[Any]:
        import jax
        import ml_dtypes

        for name, kind in program.weights.items():
            if (name, kind.dtype) not in self._placed:
                array = artefacts.narrow(self._arrays[name])
                if kind.dtype == "bfloat16":
                    array = array.clip(-LARGEST, LARGEST).astype(ml_dtypes.bfloat16)
                self._placed[name, kind.dtype] = jax.device_put(array, self._device)
        return [self._placed[name, kind.dtype] for name, kind in program.weights.items()]


def _function(program: Program, network: Network, weights: _Placed) -> Compiled:
    """One program as a function of host arrays and state on the device."""
    import jax

    from wattmark.frameworks.aten.jax_ops import OPS

    written = {spec.name for spec in network.writes}
    reads = [spec.name for spec in network.reads]
    lent = [place for place, name in enumerate(reads) if name in written]
    kept = [place for place, name in enumerate(reads) if name not in written]
    names = [*program.weights, *(reads[p] for p in kept), *(reads[p] for p in lent)]
    names += [spec.name for spec in network.inputs]

    def forward(own: list[Any], kept: list[Any], lent: list[Any], inputs: list[Any]) -> Any:
        values = dict(zip(names, [*own, *kept, *lent, *inputs], strict=True))
        return evaluate(program, values, OPS, "JAX")

    jitted = jax.jit(forward, donate_argnums=2)
    own = weights.of(program)

    def run(inputs: Sequence[Any], state: Sequence[Any]) -> tuple[Output, Sequence[Any]]:
        kept_state, lent_state = [state[p] for p in kept], [state[p] for p in lent]
        output, *rest = jitted(own, kept_state, lent_state, list(inputs))
        return np.asarray(output), rest

    return run
