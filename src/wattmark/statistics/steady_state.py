"""When warm-up is over.

A fixed number of warm-up queries is too many for one framework and too few for the next: of the
virtual machines and benchmarks of Barrett et al. [1]_ at most 43.5 % of the pairs consistently
reached a steady state of peak performance, and developers' estimates of it are badly off [2]_. So
the data decide. A cycle is one pass over a fixed small set of queries, one for each padding
bucket, so that cycles can be compared with each other.

References
----------
.. [1] E. Barrett, C. F. Bolz-Tereick, R. Killick, S. Mount and L. Tratt, "Virtual machine warmup
   blows hot and cold", OOPSLA 2017.
.. [2] L. Traini, V. Cortellessa, D. Di Pompeo and M. Tucci, "Towards effective assessment of
   steady state performance in Java software: are we there yet?", Empirical Software Engineering
   28 (2023) 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

#: Cycles in each of the two windows that are compared: the smallest number whose median survives
#: one disturbed cycle.
WINDOW = 3
#: Never steady before two full windows.
MIN_CYCLES = 2 * WINDOW


def is_steady(cycle_times: Sequence[float], tolerance: float = 0.03) -> bool:
    """Whether the last cycles neither trend nor disagree.

    With the median ``m`` of the last three cycles, both of these must hold:

    * no trend: ``m`` differs from the median of the three cycles before by at most
      ``tolerance * m``, faster or slower;
    * agreement: the median distance of the last three from ``m`` is at most ``tolerance * m``.

    Medians of three let one disturbed cycle in each window pass, so that a burst of contention
    does not prolong warm-up for ever, and the very first cycle (compilation, page faults) may be
    of any length. Noise beyond the tolerance only delays the answer; the caller caps the number
    of cycles and says so where the cap was reached. The tolerance is of the size of a
    disturbance that paired rounds still cancel, and below the narrowest interval that a plan asks
    for by default (5 %). A change after a long quiet time (a late recompilation) cannot be
    foreseen by any such rule: rounds will show it.

    Parameters
    ----------
    cycle_times : sequence of float
        Total time of each cycle so far, any unit, in order.
    tolerance : float
        Relative.
    """
    if len(cycle_times) < MIN_CYCLES:
        return False
    last = cycle_times[-WINDOW:]
    before = cycle_times[-2 * WINDOW : -WINDOW]
    middle = median(last)
    allowed = tolerance * middle
    no_trend = abs(median(before) - middle) <= allowed
    agreement = median(abs(t - middle) for t in last) <= allowed
    return no_trend and agreement
