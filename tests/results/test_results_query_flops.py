"""FLOPs of free answers are those of the tokens that were generated, by this setup."""

from __future__ import annotations

import numpy as np
from rounds_with_samples import measured, samples

from wattmark.quantities import Quantity, Reason
from wattmark.records import PhaseWindow
from wattmark.results.query_flops import flops_per_query
from wattmark.worker.reference_facts import ReferenceFacts

PHASES = tuple(
    PhaseWindow(phase=name, unit="token", seconds=1.0, units=1) for name in ("prefill", "decode")
)
FREE = ReferenceFacts(None, 7, "decode", fixed=(1000, 1000, 2000), each=(10, 10, 30))


def said(queries, tokens, **changes):
    """Answers to these queries, with so many tokens after the first."""
    units = np.array([[5.0, float(n)] for n in tokens])
    block = samples([1.0] * len(queries), query=np.array(queries, np.int32), phase_units=units,
                    phase_ns=np.zeros(units.shape, np.int64), **changes)  # fmt: skip
    return block


def test_every_query_counts_by_the_tokens_of_its_first_answer():
    ours = measured([said([0, 1], [4, 0]), said([2, 0], [7, 9])], phases=PHASES)
    expected = (1000 + 40 + 1000 + 0 + 2000 + 210) / 3
    assert flops_per_query(FREE, ours) == Quantity.exact(expected, "FLOP/query")


def test_of_two_setups_the_one_that_says_more_takes_more():
    short, long = (measured([said([0, 1, 2], n)], phases=PHASES) for n in ([1, 1, 1], [9, 9, 9]))
    assert flops_per_query(FREE, long).value == flops_per_query(FREE, short).value + 400 / 3


def test_a_part_of_the_sample_is_no_exact_mean_of_it():
    ours = measured([said([0, 1], [4, 8])], phases=PHASES)
    found = flops_per_query(FREE, ours)
    assert (found.value, found.level) == (1060.0, 0.95)
    assert found.low < found.value < found.high


def test_failed_queries_generate_nothing_that_counts():
    ours = measured([said([0], [4], error=["out of memory"])], phases=PHASES)
    assert flops_per_query(FREE, ours).reason is Reason.NOT_MEASURED


def test_of_pinned_answers_the_reference_knows_all():
    ours = measured([said([0], [4])], phases=PHASES)
    assert flops_per_query(ReferenceFacts(5e9, 7), ours) == Quantity.exact(5e9, "FLOP/query")
