"""The statistics of a trial, as pure functions: numbers in, :class:`Quantity` out.

=====================  ==============================================================
`early_stopping`       MLPerf's verdict and estimate, as LoadGen gives them
`percentiles`          latency percentiles by order statistics
`proportions`          accuracy, and accuracy relative to the reference on the same queries
`rates`                what one query costs: totals of rounds over their queries
`process_spread`       how much processes differ: the run, the past, a prior
`ratios`               setup over baseline, from rounds that were run in turns
`resampling`           any other metric over a sample, and its ratio to the reference's
`sequential_latency`   whether a percentile is under a bound, honest at every look
`sequences`            when to stop measuring, honest under continuous looking
`steady_state`         when warm-up is over
=====================  ==============================================================

Nothing here reads a clock, a file or global random state: a seed is an argument.
"""

from wattmark.statistics.early_stopping import queries_needed, server_verdict, stream_estimate
from wattmark.statistics.percentiles import (
    TooFewSamplesError,
    percentile_interval,
    percentile_over_rounds,
    percentile_quantity,
)
from wattmark.statistics.process_spread import PastSpread
from wattmark.statistics.proportions import accuracy_quantity, relative_quality, wilson_interval
from wattmark.statistics.rates import pooled_rate
from wattmark.statistics.ratios import (
    Costs,
    PastSpreads,
    PooledRatio,
    SpreadSource,
    paired_ratio,
    paired_total_ratio,
    pooled_ratios,
    round_log_ratios,
    spreads_of,
)
from wattmark.statistics.resampling import resampled_metric, resampled_ratio
from wattmark.statistics.sequences import half_width, narrow_enough
from wattmark.statistics.steady_state import MIN_CYCLES, is_steady

__all__ = [
    "MIN_CYCLES",
    "Costs",
    "PastSpread",
    "PastSpreads",
    "PooledRatio",
    "SpreadSource",
    "TooFewSamplesError",
    "accuracy_quantity",
    "half_width",
    "is_steady",
    "narrow_enough",
    "paired_ratio",
    "paired_total_ratio",
    "percentile_interval",
    "percentile_over_rounds",
    "percentile_quantity",
    "pooled_rate",
    "pooled_ratios",
    "queries_needed",
    "relative_quality",
    "resampled_metric",
    "resampled_ratio",
    "round_log_ratios",
    "server_verdict",
    "spreads_of",
    "stream_estimate",
    "wilson_interval",
]
