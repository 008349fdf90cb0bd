"""What single requests bore of the energy of recorded rounds (:mod:`wattmark.batching.shares`)."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.batching.shares import EnergyShares, ShareRule, energy_shares
from wattmark.conduct.recorder import Samples
from wattmark.quantities import Quantity, Reason
from wattmark.records import RequestEnergy, Round
from wattmark.records.domains import counts_as, total
from wattmark.results.measurement import Measured
from wattmark.statistics.percentiles import TooFewSamplesError, percentile_over_rounds

_LEVEL = 0.95


def round_shares(done: Round, samples: Samples) -> EnergyShares | None:
    """Joules of each request of a round, in the order of its samples, that add up to the round's.

    None where nothing was metered, or it is not known which call a request was in.
    """
    metered = total((counts_as(w.meter, w.domain), w.gross) for w in done.energy)
    if metered is None or not samples.batch.size:
        return None
    durations = [0] * (int(samples.batch.max()) + 1)
    for batch, took_ns in zip(samples.batch.tolist(), samples.batch_ns.tolist(), strict=True):
        durations[batch] = took_ns
    return energy_shares(metered, samples.batch.tolist(), durations)


def request_energy(ours: Measured) -> RequestEnergy | None:
    """Percentiles over all counted rounds; None where no round has shares."""
    found = [round_shares(ours.rounds[i], ours.samples[i]) for i in sorted(ours.rounds)]
    rounds = [shares for shares in found if shares is not None]
    if not rounds or len(rounds) < len(found):
        return None
    p50, p90, p99 = _percentiles([of_round.shares for of_round in rounds], (0.50, 0.90, 0.99))
    return RequestEnergy(
        rule="equal" if rounds[0].rule is ShareRule.EQUAL else "tokens",
        batches=rounds[0].batches,
        p50=p50,
        p90=p90,
        p99=p99,
    )


def _percentiles(rounds: Sequence[Sequence[Quantity]], wanted: Sequence[float]) -> list[Quantity]:
    """Their intervals hold the meter's own and that of the order statistic over rounds."""
    shares = [share for of_round in rounds for share in of_round]
    for share in shares:
        if share.reason is not None:
            return [Quantity.missing("J/query", share.reason, share.detail)] * len(wanted)
    lows, values, highs = (
        [[share.bounds()[end] for share in of_round] for of_round in rounds] for end in range(3)
    )
    level = max(0.0, min(share.level or 0.0 for share in shares) + _LEVEL - 1)
    found = []
    for p in wanted:
        try:
            value, least, most = percentile_over_rounds(values, p, _LEVEL)
        except TooFewSamplesError as error:
            found.append(Quantity.missing("J/query", Reason.TOO_FEW_SAMPLES, str(error)))
            continue
        low = min(least, percentile_over_rounds(lows, p, _LEVEL)[1])
        high = max(most, percentile_over_rounds(highs, p, _LEVEL)[2])
        grade = shares[0].grade
        found.append(Quantity.between(value, low, high, "J/query", level=level, grade=grade))
    return found
