"""PyTorch on CPU: eager (the reference of every comparison) and ``torch.compile``."""

from __future__ import annotations

import contextlib
import os
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattmark.contracts import Inputs, Model, Output, Runner, Workspace
from wattmark.errors import FrameworkError, UnsupportedSetupError
from wattmark.frameworks.buckets import bucket_shapes, example_inputs
from wattmark.records import Precision, Setup

if TYPE_CHECKING:
    import torch

_WEIGHTS = "weights.safetensors"
_INDUCTOR = "inductor"


class PyTorch:
    """Modes: ``eager`` runs the module as it is; ``compile`` is ``torch.compile`` (Inductor).

    The artefact holds the weights; ``load`` puts them into ``model.module()``.

    ``compile`` makes one static program per padding bucket, all of them in ``prepare``: the
    compiled code is kept in the artefact and looked up by ``load``. It is specific to a number
    of threads, so that a load with another number compiles again. It needs a C++ compiler.

    ``int8-dynamic`` replaces every nn.Linear by ``torch.ao.quantization.quantize_dynamic``:
    INT8 weights, activations quantised per query. Upstream has moved quantisation to the
    ``torchao`` package and will remove this function; it is what PyTorch itself still ships.
    """

    name = "pytorch"
    modes: Mapping[str, tuple[Precision, ...]] = {
        "eager": (Precision.FP32, Precision.INT8_DYNAMIC),
        "compile": (Precision.FP32,),
    }
    packages = ("torch",)
    extra = "torch"

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """Thread pools of ``threads``; for ``compile`` Inductor's cache and its own limits."""
        variables = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        if setup.mode == "compile":
            variables |= {
                "TORCHINDUCTOR_CACHE_DIR": str(artefact / _INDUCTOR),
                "TORCHINDUCTOR_FX_GRAPH_CACHE": "1",
                # compile in this process: a pool of compilers would stay beside the worker
                "TORCHINDUCTOR_COMPILE_THREADS": "1",
            }
        return variables

    def prepare(self, workspace: Workspace) -> None:
        """Store the weights; for ``compile``, compile for every bucket.

        Compiled code fits the number of threads that PyTorch uses at this moment
        (``setup.threads`` where it is given). Raises UnsupportedSetupError where INT8 is asked
        of a module without nn.Linear, FrameworkError where there is no C++ compiler.
        """
        from safetensors.torch import save_model
        from torch import nn

        setup, module = workspace.setup, workspace.model.module()
        if setup.precision is Precision.INT8_DYNAMIC and not any(
            isinstance(layer, nn.Linear) for layer in module.modules()
        ):
            raise UnsupportedSetupError(
                f"{setup.label}: PyTorch quantises only nn.Linear dynamically and "
                f"{workspace.model.name} has none: take an int8-static setup of another framework"
            )
        save_model(module, str(workspace.out / _WEIGHTS))
        if setup.mode == "compile":
            if setup.threads:
                _limit_threads(setup.threads)
            _compile(module, workspace.model, workspace.out)

    def load(self, artefact: Path, model: Model, setup: Setup, threads: int) -> Runner:
        """The module with the artefact's weights on ``threads`` cores.

        Raises FrameworkError where the weights do not fit the module. A compiled setup refuses
        inputs that were not foreseen, rather than compile while time is taken.
        """
        import torch

        _limit_threads(threads)
        module: Any = _with_weights(model.module(), artefact / _WEIGHTS)
        if setup.precision is Precision.INT8_DYNAMIC:
            module = _quantised(module)
        if setup.mode == "compile":
            module = _compile(module, model, artefact)
        names = [spec.name for spec in model.inputs]
        inference_mode, from_numpy = torch.inference_mode, torch.from_numpy

        def runner(inputs: Inputs) -> Output:
            with inference_mode():
                output: Output = module(*[from_numpy(inputs[name]) for name in names]).numpy()
            return output

        return runner


def _limit_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    # refused once something has run in the pool; only TorchScript's fork would use it
    with contextlib.suppress(RuntimeError):
        torch.set_num_interop_threads(1)


def _with_weights(module: torch.nn.Module, path: Path) -> torch.nn.Module:
    from safetensors import SafetensorError
    from safetensors.torch import load_model

    try:
        load_model(module, path, strict=True)
    except (RuntimeError, OSError, SafetensorError) as error:
        raise FrameworkError(f"the weights in {path} do not fit the model: {error}") from error
    return module


def _quantised(module: torch.nn.Module) -> torch.nn.Module:
    import torch

    try:
        from torch.ao.quantization import quantize_dynamic
    except ImportError as error:
        raise FrameworkError(
            f"PyTorch {torch.__version__} no longer has torch.ao.quantization.quantize_dynamic: "
            f"install an earlier PyTorch or leave out pytorch/eager/int8-dynamic"
        ) from error
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.ao.quantization is deprecated")
        warnings.filterwarnings("ignore", message="torch.quantize_per_tensor")
        quantised: torch.nn.Module = quantize_dynamic(
            module, {torch.nn.Linear}, dtype=torch.qint8, inplace=True
        )
    return quantised


def _compile(module: torch.nn.Module, model: Model, artefact: Path) -> Any:
    """The compiled module, with a program for every bucket from the artefact's cache."""
    import torch
    from torch._dynamo import config

    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise FrameworkError(
            f"torch.compile needs a C++ compiler and there is no {compiler!r} on the PATH: "
            f"install g++ (Debian: apt install g++), or leave out pytorch/compile"
        )
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(artefact / _INDUCTOR)
    shapes = bucket_shapes(model)
    torch.compiler.reset()
    torch.compiler.set_stance("default")
    compiled = torch.compile(module, dynamic=False)
    limits = {"recompile_limit": len(shapes), "fail_on_recompile_limit_hit": True}
    try:
        with config.patch(limits), torch.inference_mode():
            for shape in shapes:
                example = example_inputs(model, shape)
                compiled(*[torch.from_numpy(example[spec.name]) for spec in model.inputs])
    except torch._dynamo.exc.TorchDynamoException as error:
        raise FrameworkError(f"torch.compile failed on {model.name}: {error}") from error
    torch.compiler.set_stance("fail_on_recompile")
    return compiled
