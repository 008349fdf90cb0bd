"""Rate 1 000 000 results in 1 000 groups: stars alone, and with the probabilities of the default.

Targets (issue "Ratings"): 1 s for stars alone; 60 s and 2 GB with probabilities on two cores.
"""

from __future__ import annotations

import resource
import time

import numpy as np

from wattmark.rating.columns import Columns, rate_columns
from wattmark.rating.confidence import RESAMPLES

GROUPS, EACH = 1000, 1000


def main() -> None:
    rng = np.random.default_rng(0)
    value = rng.lognormal(0.0, 1.0, GROUPS * EACH)
    spread = rng.uniform(1.01, 1.3, value.size)
    group = np.repeat([f"task {i}" for i in range(GROUPS)], EACH).astype(object)
    columns = Columns(value, group, value / spread, value * spread)
    for title, resamples in (("stars alone", 0), ("with P(star)", RESAMPLES)):
        start = time.monotonic()
        rate_columns(columns, resamples=resamples, distances=False)
        took_s = time.monotonic() - start
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{title}: {took_s:.2f} s, peak memory so far {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
