"""Points at which a population is drawn: the same for the same size and seed.

Scrambled Sobol points fill the unit cube more evenly than independent ones, so that fewer of them
give a mean as surely. Source: A. B. Owen, "Scrambling Sobol' and Niederreiter-Xing points",
Journal of Complexity 14 (1998) 466-489; the generator is SciPy's.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Numbers that are drawn at a time.
BLOCK = 1 << 18
#: As many numbers are kept for the next population of the same size.
_KEPT = 1 << 21
#: Populations of up to so many entries get all of the draws; larger ones, whose borders vary
#: less, get fewer in proportion, down to an eighth.
_ALL_DRAWS = 200
_LEAST_SHARE = 8


def draws_for(entries: int, resamples: int) -> int:
    """How often a population of so many entries is drawn: a power of two, as Sobol points need."""
    all_draws = 1 << (resamples - 1).bit_length()
    in_proportion = 1 << max(1, all_draws * _ALL_DRAWS // entries).bit_length() - 1
    return max(1, all_draws // _LEAST_SHARE, min(all_draws, in_proportion))


def normal_blocks(entries: int, draws: int, seed: int) -> Iterator[Floats]:
    """Standard normal numbers of shape (some, entries) each, ``draws`` rows in all."""
    if entries * draws <= _KEPT:
        return iter(_kept(entries, draws, seed))
    return _drawn(entries, draws, seed)


@lru_cache(maxsize=1)
def _kept(entries: int, draws: int, seed: int) -> tuple[Floats, ...]:
    return tuple(_drawn(entries, draws, seed))


def _drawn(entries: int, draws: int, seed: int) -> Iterator[Floats]:
    from scipy.special import ndtri
    from scipy.stats.qmc import Sobol

    rng = np.random.default_rng(seed)
    bits = 30
    sobol = Sobol(entries, bits=bits, seed=rng) if entries <= Sobol.MAXDIM else None
    rows = 1 << max(0, (BLOCK // entries).bit_length() - 1)
    for start in range(0, draws, rows):
        some = min(rows, draws - start)
        uniform = rng.random((some, entries)) if sobol is None else sobol.random(some)
        # multiples of 2^-bits, moved by half a step: neither 0 nor 1
        yield ndtri(np.clip(uniform + 0.5 ** (bits + 1), None, 1 - 0.5 ** (bits + 1)))
