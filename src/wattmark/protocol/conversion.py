"""Is the converted model the same model? Checked on real inputs before anything is timed.

FP32: the largest difference, relative to the largest output of the reference, must not exceed
1e-4. Quantised: outputs may differ, so the predictions (index of the largest output) must agree
with the reference's on at least 80 % of the inputs; whether the quality is good enough is then
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
    differences = [float(np.max(np.abs(a - b))) for a, b in zip(outputs, reference, strict=True)]
    scale = max(float(np.max(np.abs(b))) for b in reference)
    agreement = float(
        np.mean([np.argmax(a) == np.argmax(b) for a, b in zip(outputs, reference, strict=True)])
    )
    worst = max(differences) if np.all(np.isfinite(differences)) else float("inf")
    relative = worst / scale if scale else worst
    exact = precision.exact_weights
    return ConversionCheck(
        inputs=len(outputs),
        max_abs_difference=min(worst, 1e300),
        max_rel_difference=min(relative, 1e300),
        tolerance=FP32_TOLERANCE if exact else None,
        agreement=agreement,
        passed=relative <= FP32_TOLERANCE if exact else agreement >= QUANTISED_AGREEMENT,
    )


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
        f"predictions agree with the reference on {check.agreement:.0%} of {check.inputs} inputs; "
        f"at least {QUANTISED_AGREEMENT:.0%} is required of a quantised model"
    )
