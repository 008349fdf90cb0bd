"""Which of two figures is which: energies are totals, ratios are by rounds and trimmed."""

from __future__ import annotations

from wattmark.formatting import listing, number
from wattmark.records import Run
from wattmark.records.reading import energy_ratio, ok, totals_apart

#: What stands in every report about the two.
TOTALS_AND_RATIOS = (
    "Energies are totals over all rounds; ratios to the baseline are of paired rounds, without the "
    "fifth at either end, so that a disturbed round moves the one and not the other."
)


def totals_remark(run: Run) -> str:
    """Where the quotient of two energies that are shown is not the ratio shown; else empty."""
    told = []
    for result in run.results:
        quotient = totals_apart(run, result) if ok(result) else None
        ratio = energy_ratio(result)
        if quotient is not None and ratio is not None and ratio.value is not None:
            told.append(f"{result.id} ({number(quotient, 2)} by totals, {number(ratio.value, 2)})")
    if not told:
        return ""
    return (
        f"{TOTALS_AND_RATIOS} They differ in {listing(told)}: some rounds took far more than the "
        "others. Stars and the front go by the totals."
    )
