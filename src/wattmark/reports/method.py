"""How each number of a run was obtained, in prose, with the numbers of its plan."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.formatting import duration_text, number
from wattmark.quantities import Grade
from wattmark.records import Result, Run, StopReason
from wattmark.records.reading import energy_per_query, ok
from wattmark.reports.totals import TOTALS_AND_RATIOS

_STOPPED = {
    StopReason.NARROW: "It stopped because they were known well enough.",
    StopReason.PROCESSES: (
        "It stopped because more rounds of the same processes would not have helped: what is left "
        "is the spread between processes, and that takes more of them (`executions`)."
    ),
    StopReason.ALL_TESTS: "It stopped when LoadGen had run all its tests.",
    StopReason.BUDGET: "It stopped because the time budget ended first.",
    StopReason.INTERRUPTED: "It was interrupted before that.",
    StopReason.NOTHING_LEFT: "It stopped because no trial was left alive.",
}

_GRADES = {
    Grade.METERED: "an external power meter read before and after every round",
    Grade.COUNTED: "a hardware counter or on-chip sensor read before and after every round",
    Grade.MODELLED: (
        "a power model applied to the CPU time of the worker process: no sensor was read. The "
        "absolute figure carries the whole uncertainty of that model. Its scale is the same for "
        "all setups on this machine, so ratios between setups are far better known than "
        "the absolute figures, and the two are shown apart; what a program draws beside the mean "
        "of programs is each one's own, so that a ratio of two is known to about a fifth at best"
    ),
    Grade.PARAMETRIC: "an estimate from the size of the model alone",
}


def grade_texts() -> list[tuple[str, str]]:
    """Each grade with what it means, the most trusted first."""
    return [(grade.value, _GRADES[grade]) for grade in Grade]


def method(run: Run) -> list[tuple[str, str]]:
    """Pairs of heading and paragraph."""
    plan = run.plan
    queries = max((r.queries for r in run.results), default=0)
    executions = max((len({e.execution for e in r.executions}) for r in run.results), default=0)
    return [
        (
            "Same weights",
            "Every setup runs the same weights. Its outputs on real inputs are compared with those "
            "of the reference (PyTorch, eager, FP32) before anything is timed; a setup that "
            "differs too much is refused, not footnoted. Quantised setups are also judged by "
            "the quality of all their answers.",
        ),
        (
            "Paired rounds",
            "Each setup lives in a worker process of its own, pinned to its cores. The workers "
            "take turns: in every round each setup gets the same block of queries, while the "
            "others are blocked, so that drift of the machine hits all alike. The queries that "
            f"are timed are {'not scored' if plan.cost_only else 'those whose quality is scored'} "
            f"(at most {queries} a setup here, "
            f"scenario {plan.scenario}, {_processes(executions)} a setup).",
        ),
        (
            "Warm-up and stop",
            "Warm-up ends where the data say that a worker is steady, and is not counted. "
            "Measuring goes on until the latency and CPU-time ratios to the baseline "
            f"are known to within ±{_percent(plan.ratio_width)}, by confidence sequences that "
            "stay valid under continuous looking and with the spread between processes, or until "
            f"the budget of {duration_text(plan.budget_s)} ends. {_STOPPED[run.stop_reason]}",
        ),
        (
            "Latency and ratios",
            "Percentiles are order statistics of the answered queries, with intervals. Ratios to "
            f"the baseline ({plan.baseline_label}) come from paired rounds: below 1 is better. "
            f"{TOTALS_AND_RATIOS}" + _processes_known(run),
        ),
        ("Energy", _energy(run)),
        (
            "Contention",
            "A round in which the worker waited for a core, or the hypervisor withheld one, for "
            f"more than {_percent(plan.contention_limit)} of its CPU time is repeated a few times; "
            "where that does not help, it counts and the result is flagged.",
        ),
        (
            "Quality",
            _quality(run),
        ),
        (
            "Missing figures",
            "A figure that could not be had is shown as a dash with the reason; it is never zero. "
            "Brackets hold the interval; the record (JSON) has its confidence level, which is "
            "lower where two intervals were combined. Digits are rounded to what the interval "
            "warrants.",
        ),
    ]


_SPREAD_FROM = {
    "run": "from all setups of this run together",
    "history": "from earlier runs of the same frameworks on this machine",
    "prior": (
        "only from what processes elsewhere differ by, which makes them wide: more processes a "
        "setup (`executions`) would tell"
    ),
}


def _processes_known(run: Run) -> str:
    """Where the spread between processes in the intervals of ratios comes from."""
    spreads = [r.ratios.processes for r in run.results if r.ratios and r.ratios.processes]
    known = {s.source: s for spread in spreads if (s := spread.latency or spread.cpu_time)}
    if not known:
        return ""
    parts = [
        _SPREAD_FROM[source] + (f" ({its.degrees:.0f} degrees of freedom)" if its.degrees else "")
        for source, its in sorted(known.items())
    ]
    return f"How much processes differ is in their intervals, known {', or '.join(parts)}."


def _quality(run: Run) -> str:
    data = f" Data: {run.task.description}." if run.plan.data else ""
    if run.plan.cost_only:
        return (
            "The plan asked for cost only: no answer was scored, and no setup is held to a "
            f"quality.{data}"
        )
    return (
        f"The metric is {run.task.metric}. A setup below {_percent(run.plan.quality_gate)} of the "
        f"baseline's score on the same queries is shown and marked, but not rated.{data}"
    )


def _energy(run: Run) -> str:
    results = [r for r in run.results if ok(r)]
    totals = [q for r in results if (q := energy_per_query(r)) is not None and q.known]
    grades = sorted({q.grade for q in totals if q.grade}, key=list(Grade).index)
    if not grades:
        return "No instrument gave an energy figure; the table says why."
    meters = ", ".join(sorted({f"{e.meter}: {e.domain}" for r in results for e in r.energy}))
    origin = "; or ".join(_GRADES[g] for g in grades)
    return (
        f"Energy ({meters}) is {' or '.join(grades)}, which means {origin}. Energy per "
        "query is gross, the sum over these domains, divided by all attempted queries."
        f"{_instruments(results)}"
    )


def _instruments(results: Sequence[Result]) -> str:
    shares = [
        r.instruments_share.value
        for r in results
        if r.instruments_share is not None and r.instruments_share.value is not None
    ]
    if not shares:
        return ""
    return f" Reading the instruments took at most {100 * max(shares):.2g} % of the rounds' time."


def _processes(count: int) -> str:
    return "one fresh process" if count == 1 else f"{count} fresh processes"


def _percent(share: float) -> str:
    return f"{number(100 * share, 1).removesuffix('.0')} %"
