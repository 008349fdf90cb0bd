"""PyTorch: eager (the reference of every comparison), compiled, traced, and exported."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.contracts import Availability, Network, Runner, StatefulRunner, Workspace
from wattmark.errors import FrameworkError, UnsupportedSetupError
from wattmark.frameworks import torch_aot, torch_compile, torch_script
from wattmark.frameworks.support import has_cell, lacks, unavailable
from wattmark.frameworks.torch_runners import Call, activation_type, runner
from wattmark.machine.cpu_info import cpu_info
from wattmark.machine.gpus import has_nvidia_gpu
from wattmark.machine.installed import is_installed, version_of
from wattmark.records import Precision, Setup

if TYPE_CHECKING:
    import torch

_WEIGHTS = "weights.safetensors"
_INDUCTOR = ("compile", "aotinductor")
_FLOATING = (Precision.FP32, Precision.BF16, Precision.FP16)
_PRECISIONS = (
    *_FLOATING,
    Precision.INT8_DYNAMIC,
    Precision.INT8_WEIGHT_ONLY,
    Precision.INT4_WEIGHT_ONLY,
)


class PyTorch:
    """On CPU or CUDA.

    * ``eager`` runs the module as it is.
    * ``compile`` is ``torch.compile`` (Inductor). All programs are made in ``prepare``; the
      compiled code is kept in the artefact and looked up by ``load``. It is specific to a number
      of threads, so that a load with another number compiles again.
    * ``torchscript`` is ``torch.jit.trace`` and ``freeze``.
    * ``aotinductor`` is ``torch.export`` and AOTInductor: machine code, loaded as it is.

    All but ``eager`` make one static program for every combination of sizes; the two of Inductor
    need a C++ compiler. The artefact holds the weights once, in the setup's precision: ``bf16``
    and ``fp16`` (GPU only) mean weights, state and activations alike; of the integer ones
    :mod:`wattmark.frameworks.torch_quantised` says what is quantised and how. FP32 is FP32 on a
    GPU too, not TF32.
    """

    name = "pytorch"
    modes: Mapping[str, tuple[Precision, ...]] = dict.fromkeys(
        ("eager", "compile", "torchscript", "aotinductor"), _PRECISIONS
    )
    packages = ("torch",)
    devices = ("cpu", "cuda")
    extra = "torch"

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """Thread pools of ``threads``; for Inductor its cache and its own limits."""
        variables = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        if setup.mode in _INDUCTOR:
            variables |= torch_compile.cache_variables(artefact)
        return variables

    def available(self, setup: Setup) -> Availability:
        """Whether this machine can run the setup; found without importing PyTorch."""
        return (
            has_cell(self.name, self.modes, setup)
            or lacks(("torch", "safetensors"), self.extra)
            or (_on_cuda(setup) if setup.device == "cuda" else _on_cpu(setup))
        )

    def prepare(self, workspace: Workspace) -> None:
        """Store the weights in the setup's precision; trace or compile at all sizes.

        Compiled code fits the number of threads that PyTorch uses at this moment
        (``setup.threads`` where it is given). Raises UnsupportedSetupError where the network has
        nothing to quantise, FrameworkError where the mode cannot do it or this machine not the
        setup.
        """
        from safetensors.torch import save_model

        setup, network, folder = workspace.setup, workspace.model, workspace.out
        self._require_available(setup)
        _keep_float32()
        if setup.threads:
            _limit_threads(setup.threads)
        module = _converted(network, setup)
        if setup.mode != "torchscript":  # its programs hold the weights
            save_model(module, str(folder / _WEIGHTS))
        if setup.mode == "eager":
            return
        module = _placed(module, setup)
        match setup.mode:
            case "compile":
                torch_compile.compiled(module, network, setup, folder)
            case "torchscript":
                torch_script.trace(module, network, setup, folder)
            case "aotinductor":
                torch_aot.package(module, network, setup, folder)

    def load(
        self, artefact: Path, model: Network, setup: Setup, threads: int
    ) -> Runner | StatefulRunner:
        """The network with the artefact's weights on ``threads`` cores.

        Raises FrameworkError where the weights do not fit the network. All modes but ``eager``
        refuse inputs that were not foreseen, rather than compile while time is taken.
        """
        self._require_available(setup)
        _keep_float32()
        _limit_threads(threads)
        return runner(_call(artefact, model, setup), model, setup.precision, setup.device)

    def _require_available(self, setup: Setup) -> None:
        here = self.available(setup)
        if not here.available:
            raise FrameworkError(f"{setup.label}: {here.detail}")


def _on_cuda(setup: Setup) -> Availability:
    if (version_of("torch") or "").endswith("+cpu"):
        return unavailable("this PyTorch is built for CPUs: install its CUDA build")
    if not has_nvidia_gpu():
        return unavailable(
            "there is no NVIDIA GPU with a driver: use a machine that has one, or the device cpu"
        )
    if setup.mode in _INDUCTOR and not is_installed("triton"):
        return unavailable("Inductor needs triton for CUDA: pip install triton")
    return Availability(True)


def _on_cpu(setup: Setup) -> Availability:
    if setup.precision is Precision.FP16:
        return unavailable("fp16 is for GPUs: take bf16, or the device cuda")
    if setup.mode in _INDUCTOR and (missing := torch_compile.missing_compiler()):
        return unavailable(missing)
    reduced = setup.precision not in (Precision.FP32, Precision.INT8_DYNAMIC)
    flags = cpu_info().flags
    if reduced and flags and not any(flag.endswith("bf16") for flag in flags):
        return Availability(
            True, detail="this CPU has no bfloat16 arithmetic: expect it to be slower than fp32"
        )
    return Availability(True)


def _call(artefact: Path, network: Network, setup: Setup) -> Call:
    if setup.mode == "torchscript":
        return torch_script.load(network, setup, artefact)
    module = _converted(network, setup)
    module = _placed(_with_weights(module, artefact / _WEIGHTS), setup)
    match setup.mode:
        case "compile":
            return torch_compile.compiled(module, network, setup, artefact)
        case "aotinductor":
            return torch_aot.load(module, network, artefact)
    call: Call = module
    return call


def _keep_float32() -> None:
    """Have CUDA compute float32 in float32: by default cuDNN rounds convolutions to TF32."""
    import torch

    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def _limit_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    # refused once something has run in the pool; only TorchScript's fork would use it
    with contextlib.suppress(RuntimeError):
        torch.set_num_interop_threads(1)


def _converted(network: Network, setup: Setup) -> torch.nn.Module:
    """The module in the precision's types, its linear layers quantised where it says so.

    Raises UnsupportedSetupError where there is nothing to quantise; a network with state is let
    pass, since it is one of several.
    """
    precision = setup.precision
    module = network.module().to(activation_type(precision))
    if precision in _FLOATING:
        return module
    from wattmark.frameworks.torch_quantised import quantise

    if not quantise(module, precision) and not network.stateful:
        raise UnsupportedSetupError(
            f"{setup.label}: PyTorch quantises nn.Linear layers, and {network.name} has none of a "
            f"fitting shape: take fp32 or bf16, or int8-static with another framework"
        )
    return module


def _placed(module: torch.nn.Module, setup: Setup) -> torch.nn.Module:
    """The module on the setup's device, in the form that its kernels want."""
    from wattmark.frameworks.torch_quantised import pack

    module = module.to(setup.device)
    pack(module)
    return module


def _with_weights(module: torch.nn.Module, path: Path) -> torch.nn.Module:
    from safetensors import SafetensorError
    from safetensors.torch import load_model

    try:
        load_model(module, path, strict=True)
    except (RuntimeError, OSError, SafetensorError) as error:
        raise FrameworkError(f"the weights in {path} do not fit the network: {error}") from error
    return module
