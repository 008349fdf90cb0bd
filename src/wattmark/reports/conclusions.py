"""What a reader should take from a run, in three sentences that its data bear out.

1. Which setup needs the least energy, by how much, and whether the next one can be told apart.
2. What happened to quality.
3. How far the figures can be trusted.

Two setups are called apart only where their intervals of ``energy_relative`` do not overlap.
That is stricter than a 5 % test of the difference, so "apart" is safe to say (Schenker and
Gentleman, The American Statistician 55, 2001). Where no energy is known, sentence 1 speaks
about time. Where the data cannot carry a verdict (:mod:`wattmark.records.noise`), the words say so
in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from wattmark.formatting import (
    MOST_NAMES,
    count_text,
    heading,
    listing,
    number,
    percent_if_share,
    quantity_text,
)
from wattmark.quantities import Grade, Quantity, Reason
from wattmark.records import Result, Run, StopReason
from wattmark.records.noise import Figure, noise, too_noisy
from wattmark.records.reading import (
    baseline_result,
    energy_per_query,
    energy_ratio,
    median_latency,
    ok,
)


def conclusions(run: Run) -> list[str]:
    """Three plain sentences, each true of this run."""
    if not any(ok(r) for r in run.results):
        count = len(run.results)
        trials = "its only trial" if count == 1 else f"all of its {count} trials"
        return [
            f"Nothing can be said about energy or time: the run gave no result, {trials} failed."
            if count
            else "Nothing can be said about energy or time: the run holds no trial.",
            "Nothing can be said about quality either.",
            f"{_failures(run) or 'No trial was run'}; see the failures for what to mend.",
        ]
    return [_least(run), _quality(run), _trust(run)]


# --- 1: the least energy --------------------------------------------------------------------


def _least(run: Run) -> str:
    results = [r for r in run.results if ok(r)]
    gated = any(r.quality and r.quality.gate_passed is not None for r in results)
    if gated:
        results = [r for r in results if r.quality and r.quality.gate_passed]
    if not results:
        return "No setup passes the quality gate, so none is recommended."
    having = "pass the quality gate" if gated else "gave a result (no quality gate was applied)"
    lead = ""
    absolute: Callable[[Result], Quantity | None] = energy_per_query
    if any(_known(r.energy_relative) for r in results):
        figure, what = _relative_energy, "energy per query"
    elif any(_known(energy_per_query(r)) for r in results):
        figure, what = energy_per_query, "energy per query"
    else:
        lead = f"No energy is known ({_energy_reasons(results)}), so this speaks about time: "
        figure, what, absolute = median_latency, "median latency", median_latency
    known = sorted((r for r in results if _known(figure(r))), key=lambda r: _value(figure(r)))
    if not known:
        return "Neither energy nor time is known, so no setup can be preferred."
    noisy = _noisy(run, known, "latency" if lead else "energy")
    ranked = [r for r in known if r.id not in noisy]
    if not ranked or (noisy and all(r.id == run.plan.baseline_label for r in ranked)):
        sentence = lead + too_noisy(list(noisy.values()))
        return sentence[0].upper() + sentence[1:] + "."
    best, others = ranked[0], ranked[1:]
    own = absolute(best)
    shown = f" ({quantity_text(own)}{_grade_suffix(own)})" if own and own.known else ""
    if len(results) == 1:
        only = f"{best.id} is the only setup that "
        only += "passes the quality gate" if gated else "gave a result"
        return f"{lead}{only}{shown}{_against_baseline(run, best, what)}."
    sentence = (
        f"{lead}of the {len(results) - len(noisy)} setups that {having}"
        f"{' and can be told from noise' if noisy else ''}, {best.id} has the least {what}{shown}"
    )
    sentence += _against_baseline(run, best, what) + _runner_up(best, others, figure)
    if len(known) < len(results):
        sentence += f"; without that figure: {listing(r.id for r in results if r not in known)}"
    if noisy:
        sentence += f"; of {listing(noisy)}: {too_noisy(list(noisy.values()))}"
    return sentence[0].upper() + sentence[1:] + "."


def _noisy(run: Run, results: Iterable[Result], figure: Figure) -> dict[str, str]:
    """Why a verdict is refused, by setup, where it is."""
    found = {r.id: noise(run, r, figure) for r in results}
    return {label: why for label, why in found.items() if why}


def _against_baseline(run: Run, best: Result, what: str) -> str:
    """``: 58 [55, 61] % less than the baseline X``."""
    baseline = run.plan.baseline_label
    if best.id == baseline:
        return " and is itself the baseline"
    if "energy" in what:
        ratio = energy_ratio(best) if _known(energy_ratio(best)) else best.energy_relative
    else:
        ratio = best.ratios.latency if best.ratios else None
    if ratio is None or not ratio.known:
        if baseline_result(run) is None:
            return f"; the baseline {baseline} gave no result to compare it with"
        return f"; its ratio to the baseline {baseline} is not known"
    low, value, high = ratio.bounds()
    text = f": {_change_text(ratio)} than the baseline {baseline}"
    if low <= 1 <= high and not low == value == high:
        text += ", an interval that includes no difference"
    return text


def _change_text(ratio: Quantity) -> str:
    """``58 [55, 61] % less`` or ``12 [8, 16] % more`` for a ratio to the baseline."""
    low, value, high = ratio.bounds()
    if value > 1:
        ends, word = (low - 1, value - 1, high - 1), "more"
    else:
        ends, word = (1 - high, 1 - value, 1 - low), "less"
    change = Quantity.between(ends[1], ends[0], ends[2], "1", level=ratio.level or 0.0).to("%")
    return f"{quantity_text(change)} {word}"


def _runner_up(
    best: Result, others: Sequence[Result], figure: Callable[[Result], Quantity | None]
) -> str:
    """Whether the data tell the best from those that follow."""
    if not others:
        return "; nothing else has this figure to compare it with"
    own = figure(best)
    close = [r.id for r in others if own and (its := figure(r)) and own.overlaps(its)]
    if not close:
        return f"; its interval lies apart from that of the runner-up, {others[0].id}"
    verb = _s(len(close), "its interval overlaps that of", "its interval overlaps those of")
    return f"; {verb} {listing(close)}, so these data do not tell them apart"


def _relative_energy(result: Result) -> Quantity | None:
    return result.energy_relative


def _energy_reasons(results: Iterable[Result]) -> str:
    reasons = {str(q.reason) for r in results if (q := energy_per_query(r)) and q.reason}
    return ", ".join(sorted(reasons)) or "not_measured"


# --- 2: quality -----------------------------------------------------------------------------


def _quality(run: Run) -> str:
    results = [r for r in run.results if ok(r)]
    known = [r for r in results if r.quality and r.quality.of_reference.known]
    metric = run.task.metric
    if run.plan.cost_only:
        return "Quality was not measured: the plan asked for cost only."
    relative = [r.quality.of_reference for r in results if r.quality]
    if weak := [q for q in relative if q.reason is Reason.TOO_WEAK_FOR_THE_TASK]:
        return f"Quality cannot tell the setups apart: {weak[0].detail}, so that none is rated."
    if by := next((r.quality.judged_by for r in known if r.quality and r.quality.judged_by), None):
        metric = f"quality by {by}"
    others = [r for r in known if r.id != run.plan.baseline_label or not _exactly_one(r)]
    if not others:
        quality = known[0].quality if known else None
        if quality is not None and len(results) == 1:
            return (
                f"{heading(metric)} of {known[0].id} is "
                f"{quantity_text(percent_if_share(quality.value))}; nothing was run beside it."
            )
        return f"No {metric} can be set beside the baseline's, so no loss can be stated."
    same = [r.id for r in others if _exactly_one(r)]
    within = [r for r in others if not _exactly_one(r) and _covers_one(r)]
    lost = [r for r in others if not _covers_one(r) and _share(r) < 1]
    gained = [r for r in others if not _covers_one(r) and _share(r) > 1]
    parts = []
    if same:
        whole = len(same) == len(others)
        which = "every other setup" if whole and len(same) > 1 else listing(same)
        if len(same) > MOST_NAMES and not whole:
            which = f"{len(same)} of {len(others)} other setups"
        parts.append(f"equals that of the baseline {run.plan.baseline_label} in {which}")
    if within:
        parts.append("differs by no more than its interval in " + listing(map(_loss, within)))
    if lost:
        parts.append("is lower, by more than its interval, in " + listing(map(_loss, lost)))
    if gained:
        parts.append("is higher, by more than its interval, in " + listing(map(_loss, gained)))
    sentence = f"{heading(metric)} " + "; it ".join(parts)
    if len(known) < len(results):
        missing = [r.id for r in results if r not in known]
        sentence += f"; it is not known for {listing(missing)}"
    gate = f"the quality gate of {number(100 * run.plan.quality_gate, 1).removesuffix('.0')} %"
    missed = [r.id for r in results if r.quality and r.quality.gate_passed is False]
    if missed:
        return f"{sentence}; {listing(missed)} {_s(len(missed), 'misses', 'miss')} {gate}."
    if all(r.quality and r.quality.gate_passed for r in results):
        return f"{sentence}; all pass {gate}."
    return f"{sentence}."


def _loss(result: Result) -> str:
    """``X (0.8 [−0.2, 1.8] % less)``."""
    assert result.quality is not None
    return f"{result.id} ({_change_text(result.quality.of_reference)})"


def _share(result: Result) -> float:
    assert result.quality is not None
    return result.quality.of_reference.bounds()[1]


def _exactly_one(result: Result) -> bool:
    return _share(result) == 1.0


def _covers_one(result: Result) -> bool:
    assert result.quality is not None
    low, _, high = result.quality.of_reference.bounds()
    return low <= 1 <= high


# --- 3: trust -------------------------------------------------------------------------------


def _trust(run: Run) -> str:
    results = [r for r in run.results if ok(r)]
    parts = [_energy_trust(run, results)]
    flags: dict[str, list[str]] = {}
    for result in results:
        for flag in result.flags:
            flags.setdefault(flag.replace("_", " "), []).append(result.id)
    parts += [f"flagged {flag}: {listing(ids)}" for flag, ids in sorted(flags.items())]
    if not flags:
        parts.append("no result carries a flag")
    if reused := sum(r.quality.reused for r in results if r.quality):
        parts.append(f"{count_text(reused, 'scored answer')} of earlier runs of the same artefacts")
    if run.stop_reason is StopReason.BUDGET:
        parts.append("the time budget ended the measuring before the plan's stopping rule did")
    elif run.stop_reason is StopReason.PROCESSES:
        parts.append("more processes a setup would say more, more rounds of these would not")
    elif run.stop_reason is StopReason.INTERRUPTED:
        parts.append("the run was interrupted, so it holds less than was planned")
    parts.append(_failures(run) or "no trial failed")
    return "; ".join(parts) + "."


def _energy_trust(run: Run, results: Sequence[Result]) -> str:
    known = [(r, q) for r in results if (q := energy_per_query(r)) is not None and q.known]
    if not known:
        return f"Energy is not known for any setup ({_energy_reasons(results)})"
    grades = sorted({q.grade.value if q.grade else "ungraded" for _, q in known})
    text = f"Energy is {' or '.join(grades)}"
    if Grade.MODELLED in grades or Grade.PARAMETRIC in grades:
        text += ", not measured by an instrument" if len(grades) == 1 else ""
    bounds = [q.bounds() for _, q in known]
    spans = [(low / value, high / value) for low, value, high in bounds if value > 0]
    if spans and any(low < 1 or high > 1 for low, high in spans):
        least, most = min(s[0] for s in spans), max(s[1] for s in spans)
        text += (
            f": the true absolute figure may be {number(least, _two(least))} to "
            f"{number(most, _two(most))} times the one shown"
        )
    noisy = _noisy(run, (r for r, _ in known), "energy")
    others = [r for r, _ in known if r.id != run.plan.baseline_label]
    ratios = [energy_ratio(r) for r in others if r.id not in noisy]
    halves = [_relative_half_width(q) for q in ratios if q is not None and q.known]
    if halves and max(halves) > 0:
        widest = 100 * max(halves)
        text += (
            f", while ratios to the baseline hold to ±{number(widest, _two(widest))} % or better"
        )
    if noisy:
        text += f"; ratios that are too noisy to conclude: {listing(noisy)}"
    if len(known) < len(results):
        text += f" ({count_text(len(results) - len(known), 'setup')} without a figure)"
    return text


def _relative_half_width(quantity: Quantity) -> float:
    """The longer arm of the interval over the value."""
    low, value, high = quantity.bounds()
    return max(value - low, high - value) / value if value > 0 else 0.0


def _failures(run: Run) -> str:
    """``2 of 10 trials failed: X (hang), Y (killed)``, or nothing."""
    failed = [f"{r.id} ({r.failure.reason})" for r in run.results if r.failure]
    if not failed:
        return ""
    return f"{len(failed)} of {count_text(len(run.results), 'trial')} failed: {listing(failed)}"


# --- words ----------------------------------------------------------------------------------


def _known(quantity: Quantity | None) -> bool:
    return quantity is not None and quantity.known


def _value(quantity: Quantity | None) -> float:
    assert quantity is not None
    return quantity.bounds()[1]


def _two(x: float) -> int:
    """Decimals that show two significant digits of ``x``."""
    return int(f"{x:.1e}".split("e")[1]) * -1 + 1


def _grade_suffix(quantity: Quantity) -> str:
    return f", {quantity.grade.value}" if quantity.grade else ""


def _s(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
