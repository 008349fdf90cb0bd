"""A million reads of a wrapping counter: each gap is counted to the microjoule, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from wattmark.metrology.counters import difference, longest_gap_s

#: Intel's range, and that of a small counter; the highest power of the part that it counts.
SPANS_UJ = (262_143_328_851, 65_712_999_614)
MAX_POWER_W = 200.0
READS = 500_000


@pytest.mark.parametrize("span_uj", SPANS_UJ)
def test_every_gap_is_counted_exactly_or_refused(span_uj: int) -> None:
    random = np.random.default_rng(11)
    # from a millisecond to an hour: the counters wrap after 22 and 5 minutes at full power
    gaps_s = np.exp(random.uniform(np.log(1e-3), np.log(3600.0), READS))
    used_uj = (gaps_s * random.uniform(0.0, MAX_POWER_W, READS) * 1e6).astype(np.int64)
    shown = (np.cumsum(used_uj) % span_uj).tolist()
    limit_s = longest_gap_s(span_uj / 1e6, MAX_POWER_W)
    told = refused = 0
    before = 0
    for gap_s, used, after in zip(gaps_s.tolist(), used_uj.tolist(), shown, strict=True):
        if gap_s > limit_s:
            refused += 1
        else:
            assert difference(before, after, span_uj) == used
            told += 1
        before = after
    assert told > 0.7 * READS and refused > 0.02 * READS
    assert int(used_uj.max()) > 2 * span_uj  # gaps with several wraps were among them
