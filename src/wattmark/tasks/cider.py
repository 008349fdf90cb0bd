"""CIDEr-D: consensus of a caption with reference captions.

R. Vedantam, C. L. Zitnick, D. Parikh, "CIDEr: Consensus-based Image Description Evaluation",
CVPR 2015, arXiv 1411.5726, section 5.2 and its supplement for the variant D, which clips counts
and penalises a difference of length. For n-grams of n = 1 to 4 a caption is a vector

    g(w) = h(w) (log N - log max(1, df(w)))

with h the number of times that n-gram w occurs in it, N the number of images and df the number of
images with w in any reference. For a candidate c and references s_1 ... s_m

    CIDEr-D = mean over n and j of  10 exp(-(l_c - l_j)^2 / (2 * 6^2))
                                    sum_w min(g_c(w), g_j(w)) g_j(w) / (|g_c| |g_j|)

It lies between 0 and 10. Numbers equal those of the authors' code in ``pycocoevalcap`` (whose l is
the number of bigrams). Captions are split at white space; tokenise them before.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

LONGEST = 4
SIGMA = 6.0

NGrams = Counter[tuple[str, ...]]


@lru_cache(maxsize=8192)
def _ngrams(caption: str) -> tuple[NGrams, ...]:
    """How often each n-gram occurs, for every n from 1 to LONGEST."""
    words = caption.split()
    return tuple(
        Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
        for n in range(1, LONGEST + 1)
    )


class CiderD:
    """Scores captions by the document frequencies of a corpus: the references of every image.

    Raises ValueError for an empty corpus.
    """

    def __init__(self, corpus: Sequence[Sequence[str]]) -> None:
        if not corpus:
            raise ValueError("CIDEr needs the references of at least one image")
        self._images = len(corpus)
        self._frequency: NGrams = Counter()
        for references in corpus:
            self._frequency.update(
                {w for reference in references for counts in _ngrams(reference) for w in counts}
            )

    def score(self, candidate: str, references: Sequence[str]) -> float:
        """CIDEr-D of one caption, 0 to 10. Raises ValueError where there is no reference."""
        if not references:
            raise ValueError("CIDEr needs at least one reference caption")
        return sum(self._likeness(candidate, reference) for reference in references) / len(
            references
        )

    def _likeness(self, candidate: str, reference: str) -> float:
        said, meant = _ngrams(candidate), _ngrams(reference)
        cosines = [self._cosine(a, b) for a, b in zip(said, meant, strict=True)]
        difference = said[1].total() - meant[1].total()
        return 10 * math.fsum(cosines) / LONGEST * math.exp(-(difference**2) / (2 * SIGMA**2))

    def _cosine(self, said: NGrams, meant: NGrams) -> float:
        a, b = self._weighted(said), self._weighted(meant)
        norms = math.hypot(*a.values()) * math.hypot(*b.values())
        if norms == 0:
            return 0.0
        return sum(min(weight, b[w]) * b[w] for w, weight in a.items() if w in b) / norms

    def _weighted(self, counts: NGrams) -> dict[tuple[str, ...], float]:
        return {
            w: count * math.log(self._images / max(1, self._frequency[w]))
            for w, count in counts.items()
        }
