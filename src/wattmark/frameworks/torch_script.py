"""TorchScript: traced programs, one for each combination of sizes, in one file.

Upstream has stopped developing it in favour of ``torch.export``; much that is deployed uses it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.contracts import Network
from wattmark.errors import FrameworkError
from wattmark.frameworks.buckets import bucket_shapes
from wattmark.frameworks.torch_runners import Call, by_shape, examples
from wattmark.records import Setup

if TYPE_CHECKING:
    import torch

FILE = "programs.pt"
#: Calls after which the profiling executor has specialised a program.
PROFILED = 3


def trace(module: torch.nn.Module, network: Network, setup: Setup, folder: Path) -> None:
    """Trace the module at all sizes into one file, which holds shared weights once.

    Raises FrameworkError where the module cannot be traced.
    """
    import torch

    container = torch.nn.Module()
    try:
        with _without_warnings(), torch.inference_mode():
            all_examples = examples(network, setup.precision, setup.device).values()
            for number, tensors in enumerate(all_examples):
                program = torch.jit.trace(module, tensors, check_trace=False)
                container.add_module(f"program_{number}", program)
            torch.jit.save(torch.jit.script(container), str(folder / FILE))
    except RuntimeError as error:
        raise FrameworkError(
            f"{network.name} cannot be traced by TorchScript: {error}: take another mode"
        ) from error


def load(network: Network, setup: Setup, folder: Path) -> Call:
    """The programs, frozen and specialised. Raises FrameworkError where the file is unreadable."""
    import torch

    path = folder / FILE
    try:
        with _without_warnings():
            container = torch.jit.load(str(path), map_location=setup.device).eval()
    except (RuntimeError, ValueError) as error:
        raise FrameworkError(f"{path} does not hold TorchScript programs: {error}") from error
    programs = {}
    with _without_warnings(), torch.inference_mode():
        inputs = examples(network, setup.precision, setup.device)
        for number, shapes in enumerate(bucket_shapes(network)):
            program = torch.jit.freeze(getattr(container, f"program_{number}"))
            for _ in range(PROFILED):
                program(*inputs[shapes])
            programs[shapes] = program
    return by_shape(programs)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Not that it is deprecated, nor that sizes become constants: they are meant to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
