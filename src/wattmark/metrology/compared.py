"""Figures beside a known truth: one meaning of error, flag, coverage and width everywhere.

*Coverage* is the share of the figures whose interval holds the truth, flagged or not; a window
that was refused has no figure. Coverage says little without the *half width* of the intervals, half
of one as a share of the truth, and without the error of the readings as they come, the *naive* one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattmark.metrology.windows import SensedEnergy


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What was true, what the readings as they come give, and what is said; all in one unit."""

    truth: float
    naive: float
    said: SensedEnergy

    @property
    def known(self) -> bool:
        """Whether there is a figure."""
        return self.said.gross.known

    @property
    def flagged(self) -> bool:
        """Whether there is a figure, and it is marked."""
        return self.known and bool(self.said.flags)

    @property
    def error(self) -> float:
        """Relative error of the figure; NaN where there is none."""
        value = self.said.gross.value
        return float("nan") if value is None else value / self.truth - 1.0

    @property
    def naive_error(self) -> float:
        """Relative error of the readings, integrated as they come."""
        return self.naive / self.truth - 1.0

    @property
    def covered(self) -> bool:
        """Whether the interval holds the truth."""
        return self.said.covers(self.truth)

    @property
    def half_width(self) -> float:
        """Half of the interval, as a share of the truth; for a figure that is known."""
        return self.said.half_width(self.truth)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What came of many windows.

    Errors are relative and absolute values, ours and the naive ones over the windows with a figure
    of ours. ``refused`` and ``flagged`` are shares of all windows; ``half_width`` is a median.
    None where there is no such window.
    """

    windows: int
    refused: float
    flagged: float
    error_p50: float | None
    error_p95: float | None
    error_max: float | None
    naive_p50: float | None
    naive_p95: float | None
    naive_max: float | None
    coverage: float | None
    unflagged_coverage: float | None
    flagged_coverage: float | None
    half_width: float | None
    unflagged_half_width: float | None
    flagged_half_width: float | None


def figures(found: Sequence[Compared]) -> Figures:
    """The figures of at least one window."""
    known = [each for each in found if each.known]
    flagged = [each for each in known if each.flagged]
    unflagged = [each for each in known if not each.flagged]
    p50, p95, most = _quantiles([each.error for each in known])
    naive_p50, naive_p95, naive_most = _quantiles([each.naive_error for each in known])
    return Figures(
        windows=len(found),
        refused=1.0 - len(known) / len(found),
        flagged=len(flagged) / len(found),
        error_p50=p50,
        error_p95=p95,
        error_max=most,
        naive_p50=naive_p50,
        naive_p95=naive_p95,
        naive_max=naive_most,
        coverage=coverage(known),
        unflagged_coverage=coverage(unflagged),
        flagged_coverage=coverage(flagged),
        half_width=_width(known),
        unflagged_half_width=_width(unflagged),
        flagged_half_width=_width(flagged),
    )


def coverage(found: Sequence[Compared]) -> float | None:
    """Share of the figures whose interval holds the truth; None without a figure."""
    held = [each.covered for each in found if each.known]
    return float(np.mean(held)) if held else None


def _quantiles(errors: Sequence[float]) -> list[float] | list[None]:
    if not errors:
        return [None] * 3
    return [float(error) for error in np.quantile(np.abs(errors), [0.5, 0.95, 1.0])]


def _width(found: Sequence[Compared]) -> float | None:
    widths = [each.half_width for each in found]
    return float(np.median(widths)) if widths else None
