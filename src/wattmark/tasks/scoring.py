"""A metric that is the mean of what each answer scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def mean_score(
    score: Callable[[str, Any], float], predictions: Sequence[str], labels: Sequence[Any]
) -> float:
    """Mean of ``score(prediction, label)``. Raises ValueError where they are not as many."""
    return float(np.mean([score(*pair) for pair in zip(predictions, labels, strict=True)]))
