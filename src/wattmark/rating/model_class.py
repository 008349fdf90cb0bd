"""Classes of models by the memory that they need, after the AI Energy Score, mended.

The score's documentation gives M = (P x B) / (32 / Q) x 1.2 with B = 2 bytes and Q = 16, which
halves the width twice: B is the width at 16 bits already. M = P x B x 1.2 is the memory, so that
24 GB hold 10 and not 20 thousand million parameters, and 80 GB hold 33 and not 66.
"""

from __future__ import annotations

from typing import Literal

OVERHEAD = 1.2
FP16_BYTES = 2.0
#: Memory of one RTX 4090 and of one H100, in GB: the limits of classes A and B.
CLASS_A_GB = 24.0
CLASS_B_GB = 80.0
#: Tasks whose models are rated within their class; those of other tasks are all rated together.
CLASSED_TASKS = ("reasoning", "text-generation")


def memory_gb(parameters: float, bytes_per_parameter: float = FP16_BYTES) -> float:
    """Memory for the weights with a fifth for what else is held, in GB (10^9 bytes)."""
    return parameters * bytes_per_parameter * OVERHEAD / 1e9


def model_class(parameters: float) -> Literal["A", "B", "C"]:
    """A fits one consumer GPU, B one data-centre GPU, C neither; at 16 bits."""
    needed_gb = memory_gb(parameters)
    if needed_gb <= CLASS_A_GB:
        return "A"
    return "B" if needed_gb <= CLASS_B_GB else "C"


def class_within(task: str, parameters: float | None) -> str:
    """The class that a model is rated in; "" where the task has none or its size is not known."""
    return model_class(parameters) if task in CLASSED_TASKS and parameters else ""
