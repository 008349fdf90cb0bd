"""JAX: the captured program as one ``jax.jit`` function for each padding bucket."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wattmark.contracts import Model, Output, Runner, Workspace
from wattmark.frameworks.aten import artefact as artefacts
from wattmark.frameworks.aten.dispatch import ShapeDispatch
from wattmark.frameworks.aten.evaluate import check_supported, evaluate
from wattmark.records import Precision, Setup

if TYPE_CHECKING:
    from wattmark.frameworks.aten.program import Program

#: compile times (in seconds) from which JAX writes to its cache
_ALWAYS, _NEVER = 0.0, 1e9


class Jax:
    """JAX on CPU. Mode ``jit``: one XLA executable per padding bucket, weights as arguments.

    Executables are compiled by ``prepare`` into JAX's persistent cache inside the artefact. They
    fit one kind of CPU and one number of cores; elsewhere ``load`` compiles anew.
    """

    name = "jax"
    modes: Mapping[str, tuple[Precision, ...]] = {"jit": (Precision.FP32,)}
    packages: tuple[str, ...] = ("jax", "jaxlib")
    extra = "jax"

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """CPU only; XLA without its own thread pool where one thread is asked."""
        variables = {"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "2"}
        if threads:
            variables["OMP_NUM_THREADS"] = str(threads)
        if threads == 1:
            variables["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        return variables

    def prepare(self, workspace: Workspace) -> None:
        """Capture the program and compile it for every bucket.

        Raises UnsupportedOpError for an operator that the table lacks, before anything runs.
        """
        programs = artefacts.shared_programs(workspace)
        from wattmark.frameworks.aten.jax_ops import OPS

        check_supported(programs, OPS, "JAX")
        _use_compilation_cache(workspace.out, _ALWAYS)
        _compile(workspace.out, programs)

    def load(self, artefact: Path, model: Model, setup: Setup, threads: int) -> Runner:
        """A runner with every bucket compiled and run once."""
        _use_compilation_cache(artefact, _NEVER)
        return _compile(artefact, artefacts.read_programs(artefact))


def _use_compilation_cache(artefact: Path, write_from_s: float) -> None:
    """Point JAX's persistent cache at the artefact; write what takes ``write_from_s`` or more."""
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    compilation_cache.reset_cache()  # JAX looks at the folder's name only once otherwise
    jax.config.update("jax_compilation_cache_dir", str(artefact / "compiled" / _machine()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", write_from_s)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")


def _machine() -> str:
    """Digest of what an executable depends on: the CPU's instructions and the cores at hand."""
    identity = [sys.platform, str(len(os.sched_getaffinity(0)))]
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        wanted = ("model name", "flags", "Features", "CPU part")
        lines = cpuinfo.read_text().split("\n\n")[0].splitlines()
        identity += [line for line in lines if line.startswith(wanted)]
    return hashlib.sha256("\n".join(identity).encode()).hexdigest()[:16]


def _compile(artefact: Path, programs: tuple[Program, ...]) -> ShapeDispatch:
    import jax

    device = jax.devices("cpu")[0]
    weights = {
        name: jax.device_put(artefacts.narrow(array), device)
        for name, array in artefacts.read_weights(artefact).items()
    }
    return ShapeDispatch.compiled(programs, lambda program: _function(program, weights))


def _function(program: Program, weights: Mapping[str, Any]) -> Callable[..., Output]:
    """One bucket as a function of host arrays; the weights are arguments already on the device."""
    import jax

    from wattmark.frameworks.aten.jax_ops import OPS

    names = [*program.weights, *program.inputs]

    def forward(own: list[Any], *inputs: Any) -> Any:
        return evaluate(program, dict(zip(names, [*own, *inputs], strict=True)), OPS, "JAX")

    jitted = jax.jit(forward)
    own = [weights[name] for name in program.weights]

    def run(*inputs: Any) -> Output:
        return np.asarray(jitted(own, *inputs))

    return run
