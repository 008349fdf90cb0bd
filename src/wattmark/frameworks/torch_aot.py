"""``torch.export`` and AOTInductor: machine code, one package for each combination of sizes.

The packages hold no weights. Those are given to all of them at loading, and lie in memory once.
Only where Inductor has made constants of its own does a package hold all that it needs.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattmark.contracts import Network
from wattmark.errors import FrameworkError
from wattmark.frameworks.buckets import bucket_shapes
from wattmark.frameworks.torch_compile import CACHE
from wattmark.frameworks.torch_runners import Call, by_shape, examples
from wattmark.records import Setup

if TYPE_CHECKING:
    import torch


def package(module: torch.nn.Module, network: Network, setup: Setup, folder: Path) -> None:
    """Export and compile the module at all sizes.

    Raises FrameworkError where ``torch.export`` or Inductor cannot do the module.
    """
    import torch

    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / CACHE)
    weights = _weights(module)
    all_examples = examples(network, setup.precision, setup.device).values()
    try:
        with _without_warnings(), torch.no_grad():
            for number, tensors in enumerate(all_examples):
                path = _path(folder, number)
                exported = torch.export.export(module, tensors, strict=False)
                _compile(exported, path, with_weights=False)
                if not _constants(_open(path)) <= weights.keys():
                    _compile(exported, path, with_weights=True)
    except RuntimeError as error:
        raise FrameworkError(f"AOTInductor failed on {network.name}: {error}") from error
    shutil.rmtree(folder / CACHE, ignore_errors=True)  # the packages are complete


def load(module: torch.nn.Module, network: Network, folder: Path) -> Call:
    """The packages, with the module's weights. Raises FrameworkError where they do not fit."""
    weights = _weights(module)
    programs = {}
    for number, shapes in enumerate(bucket_shapes(network)):
        path = _path(folder, number)
        try:
            with _without_warnings():
                program = _open(path)
                if (wanted := _constants(program)) <= weights.keys():
                    given = {name: weights[name] for name in wanted}
                    program.load_constants(given, check_full_update=True, user_managed=True)
        except RuntimeError as error:
            raise FrameworkError(f"{path} does not fit {network.name}: {error}") from error
        programs[shapes] = program
    call = by_shape(programs)

    def keeping(*tensors: torch.Tensor, weights: Any = weights) -> Any:
        """The programs only point to the weights, which must not go before them."""
        return call(*tensors)

    return keeping


def _compile(exported: Any, path: Path, *, with_weights: bool) -> None:
    from torch._inductor import aoti_compile_and_package

    options = {
        "aot_inductor.package_constants_in_so": with_weights,
        # as many threads as there are when it runs
        "cpp.dynamic_threads": True,
    }
    aoti_compile_and_package(exported, package_path=str(path), inductor_configs=options)


def _open(path: Path) -> Any:
    from torch._inductor import aoti_load_package

    return aoti_load_package(str(path))


def _constants(program: Any) -> set[str]:
    """Names of the tensors that the program wants beside its inputs."""
    return set(program.loader.get_constant_fqns())


def _weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    named = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: tensor.detach() for name, tensor in named.items()}


def _path(folder: Path, number: int) -> Path:
    return folder / f"program-{number}.pt2"


@contextmanager
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
