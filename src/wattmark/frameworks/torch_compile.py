"""``torch.compile``: static programs by Inductor, kept in the artefact's folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.contracts import Network
from wattmark.errors import FrameworkError
from wattmark.frameworks.torch_runners import Call, examples, laid_out
from wattmark.records import Setup

if TYPE_CHECKING:
    import torch

CACHE = "inductor"
#: More programs than the networks of one model have; PyTorch's own limit is 8.
PROGRAMS = 256


def cache_variables(folder: Path) -> dict[str, str]:
    """Environment variables with which Inductor keeps its code under ``folder``."""
    return {
        "TORCHINDUCTOR_CACHE_DIR": str(folder / CACHE),
        "TORCHINDUCTOR_FX_GRAPH_CACHE": "1",
        # compile in this process: a pool of compilers would stay beside the worker
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }


def missing_compiler() -> str:
    """What to install so that Inductor can compile for CPUs; empty where nothing is missing."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler):
        return ""
    return (
        f"Inductor needs a C++ compiler and there is no {compiler!r} on the PATH: "
        f"install g++ (Debian: apt install g++)"
    )


def compiled(module: torch.nn.Module, network: Network, setup: Setup, folder: Path) -> Call:
    """The module with a program for every combination of sizes.

    Programs that an earlier call left in ``folder`` are looked up, the others compiled. From then
    on nothing is compiled in this process, until the next call: inputs that were not foreseen
    raise RuntimeError. Raises FrameworkError where Inductor cannot do the module.
    """
    import torch
    from torch._dynamo import config

    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / CACHE)
    torch.compiler.set_stance("default")
    program = torch.compile(module, dynamic=False)
    limits = {"recompile_limit": PROGRAMS, "fail_on_recompile_limit_hit": True}
    try:
        with config.patch(limits), torch.inference_mode():
            for tensors in examples(network, setup.precision, setup.device).values():
                program(*tensors)
    except torch._dynamo.exc.TorchDynamoException as error:
        raise FrameworkError(f"torch.compile failed on {network.name}: {error}") from error
    torch.compiler.set_stance("fail_on_recompile")
    return lambda *tensors: program(*map(laid_out, tensors))
