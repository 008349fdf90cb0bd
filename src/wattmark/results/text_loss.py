"""Bits per byte of held-out text, and how much of the reference's a setup keeps.

A text's loss in nats over ln 2 and its bytes of UTF-8 does not depend on how a tokenizer cuts it,
so that models may be compared by it too (Gao et al., "The Pile", arXiv 2101.00027, section 3.1).
The texts are the same for a setup and its reference and most of a text's difficulty is common to
both: it cancels in the ratio of the totals, whose interval comes from the texts' differences
(`wattmark.statistics.rates`; a text is what varies independently, its tokens are not).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import HeldOutText
from wattmark.quantities import Quantity
from wattmark.statistics import pooled_rate

METRIC = "bits per byte"
#: Fewer texts than this say nothing.
MIN_TEXTS = 3


@dataclass(frozen=True)
class TextLosses:
    """What the texts, in their order, cost a setup and its reference in nats: the first of them,
    as many as each was asked."""

    texts: Sequence[HeldOutText]
    mine: NDArray[np.float64]
    reference: NDArray[np.float64]

    @property
    def known(self) -> bool:
        """Whether both were asked enough texts to be compared."""
        return self._common >= MIN_TEXTS

    @property
    def _common(self) -> int:
        return min(len(self.texts), self.mine.size, self.reference.size)

    def bits_per_byte(self) -> Quantity:
        """Of the setup, with the spread between texts."""
        count = min(len(self.texts), self.mine.size)
        sizes = [float(text.bytes) for text in self.texts[:count]]
        return pooled_rate(self.mine[:count] / math.log(2), sizes, "bit/B")

    def of_reference(self) -> Quantity:
        """The reference's bits over the setup's, on the same texts: 1 is as good, less is worse."""
        mine, reference = self.mine[: self._common], self.reference[: self._common]
        return pooled_rate(reference, mine, "1")

    def reference_is_weak(self) -> bool:
        """Whether the reference is not surely better than one that takes any token alike."""
        count = min(len(self.texts), self.reference.size)
        any_token = [t.following.size * math.log(t.vocabulary) for t in self.texts[:count]]
        share = pooled_rate(self.reference[:count], any_token, "1")
        return share.high is None or share.high >= 1.0
