"""What single requests bore of the energy of recorded rounds (:mod:`wattmark.batching.shares`)."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.batching.shares import EnergyShares, ShareRule, energy_shares
from wattmark.metrology.domains import summed
from wattmark.protocol.measured import Measured
from wattmark.protocol.recorder import Samples
from wattmark.protocol.statistics.percentiles import TooFewSamplesError, percentile_interval
from wattmark.quantities import Quantity, Reason
from wattmark.records import RequestEnergy, Round

_LEVEL = 0.95


def round_shares(done: Round, samples: Samples) -> EnergyShares | None:
    """Joules of each request of a round, in the order of its samples, that add up to the round's.

    None where nothing was metered, or it is not known which call a request was in.
    """
    whole = summed(window.domain for window in done.energy)
    parts = [window.gross for window in done.energy if window.domain in whole]
    if not parts or not samples.batch.size:
        return None
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    durations = [0] * (int(samples.batch.max()) + 1)
    for batch, took_ns in zip(samples.batch.tolist(), samples.batch_ns.tolist(), strict=True):
        durations[batch] = took_ns
    return energy_shares(total, samples.batch.tolist(), durations)


def request_energy(ours: Measured) -> RequestEnergy | None:
    """Percentiles over all counted rounds; None where no round has shares."""
    found = [round_shares(ours.rounds[i], ours.samples[i]) for i in sorted(ours.rounds)]
    rounds = [shares for shares in found if shares is not None]
    if not rounds or len(rounds) < len(found):
        return None
    shares = [share for of_round in rounds for share in of_round.shares]
    p50, p90, p99 = (_percentile(shares, p) for p in (0.50, 0.90, 0.99))
    return RequestEnergy(
        rule="equal" if rounds[0].rule is ShareRule.EQUAL else "tokens",
        batches=rounds[0].batches,
        p50=p50,
        p90=p90,
        p99=p99,
    )


def _percentile(shares: Sequence[Quantity], p: float) -> Quantity:
    """Its interval holds the meter's own and that of the order statistic."""
    for share in shares:
        if share.reason is not None:
            return Quantity.missing("J/query", share.reason, share.detail)
    bounds = [share.bounds() for share in shares]
    level = min(share.level or 0.0 for share in shares)
    try:
        value, least, most = percentile_interval([b[1] for b in bounds], p, _LEVEL)
        _, low, _ = percentile_interval([b[0] for b in bounds], p, _LEVEL)
        _, _, high = percentile_interval([b[2] for b in bounds], p, _LEVEL)
    except TooFewSamplesError as error:
        return Quantity.missing("J/query", Reason.TOO_FEW_SAMPLES, str(error))
    return Quantity.between(
        value,
        min(least, low),
        max(most, high),
        "J/query",
        level=max(0.0, level + _LEVEL - 1),
        grade=shares[0].grade,
    )
