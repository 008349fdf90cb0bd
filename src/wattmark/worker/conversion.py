"""Is the converted model the same model? Checked on real inputs before anything is timed.

FP32: the largest difference, relative to the largest output of the reference, must not exceed
1e-4. Reduced precision: outputs may differ, so either the predictions (index of the largest on the
last axis) must agree with the reference's on at least 80 % of the inputs, or the outputs must
point the same way (mean cosine of at least 0.9): where a network gives a vector and not a choice,
an argmax means nothing. It is a check against damage; whether the quality is good enough is
decided by the task's quality gate over all queries.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wattmark.contracts import Output
from wattmark.errors import ConversionError
from wattmark.records import ConversionCheck, Precision

FP32_TOLERANCE = 1e-4
QUANTISED_AGREEMENT = 0.8
QUANTISED_COSINE = 0.9


def compare(
    outputs: Sequence[Output], reference: Sequence[Output], precision: Precision
) -> ConversionCheck:
    """Compare a setup's outputs with the reference's, query by query."""
    for number, (ours, theirs) in enumerate(zip(outputs, reference, strict=True)):
        if ours.shape != theirs.shape:
            raise ConversionError(
                f"output of check query {number} has shape {ours.shape}, "
                f"the reference has {theirs.shape}"
            )
    pairs = list(zip(outputs, reference, strict=True))
    worst = max(float(np.max(np.abs(a - b))) for a, b in pairs)
    if not np.isfinite(worst):
        worst = float("inf")
    scale = max(float(np.max(np.abs(b))) for b in reference)
    agreement = float(np.mean([np.mean(np.argmax(a, -1) == np.argmax(b, -1)) for a, b in pairs]))
    cosine = float(np.mean([_cosine(a, b) for a, b in pairs]))
    relative = worst / scale if scale else worst
    exact = precision.exact_weights
    alike = agreement >= QUANTISED_AGREEMENT or cosine >= QUANTISED_COSINE
    return ConversionCheck(
        inputs=len(outputs),
        max_abs_difference=min(worst, 1e300),
        max_rel_difference=min(relative, 1e300),
        tolerance=FP32_TOLERANCE if exact else None,
        agreement=agreement,
        cosine=cosine,
        passed=relative <= FP32_TOLERANCE if exact else bool(np.isfinite(worst)) and alike,
    )


def _cosine(ours: Output, theirs: Output) -> float:
    a, b = ours.astype(np.float64).ravel(), theirs.astype(np.float64).ravel()
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    cosine = float(a @ b) / norms if norms else float(np.array_equal(a, b))
    return cosine if np.isfinite(cosine) else 0.0


def require_same_model(check: ConversionCheck) -> None:
    """Raise ConversionError where the check has not passed."""
    if check.passed:
        return
    if check.tolerance is not None:
        raise ConversionError(
            f"outputs differ from the reference by {check.max_rel_difference:.2e} of the largest "
            f"output over {check.inputs} inputs; at most {check.tolerance:.0e} is allowed. "
            "The converted model is not the same model: delete its artefact or report a bug"
        )
    raise ConversionError(
        f"predictions agree with the reference on {check.agreement:.0%} of {check.inputs} inputs "
        f"(at least {QUANTISED_AGREEMENT:.0%} is required of a model in reduced precision) and the "
        f"cosine of the outputs is {check.cosine:.2f} (or {QUANTISED_COSINE})"
    )
