"""The data behind the charts of a report: plain numbers, ready for JSON, computed here.

The charts draw what stands here and compute nothing themselves, so that what a reader sees can
be tested without a browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmark import registry
from wattmark.formatting import percent_if_shares, quantity_text, range_text, value_text
from wattmark.quantities import Quantity
from wattmark.rating.pareto import dominates
from wattmark.records import Result, Run
from wattmark.records.reading import (
    energy_among_setups,
    energy_per_query,
    energy_ratio,
    median_latency,
    ok,
)
from wattmark.reports.pareto_chart import AMONG
from wattmark.reports.rows import sort_key

_BINS = 160
_TAIL = 0.001  # share of the samples beyond either end of the latency axis, per setup


def figures(run: Run, latencies_ms: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    """All charts; one that has nothing to show is None. ``latencies_ms`` by trial id."""
    results = sorted((r for r in run.results if ok(r)), key=sort_key)
    return {
        "pareto": pareto(run, results),
        "distribution": distribution(results, latencies_ms, run.plan.baseline_label),
        "ratio": intervals(run, [(r, energy_ratio(r)) for r in results]),
        "absolute": intervals(run, [(r, energy_per_query(r)) for r in results]),
    }


def pareto(run: Run, results: list[Result]) -> dict[str, Any] | None:
    """Quality against energy per query (or median latency, where no energy is known)."""
    cost = {r.id: energy_per_query(r) for r in results}
    by_energy = any(q is not None and q.known for q in cost.values())
    if not by_energy:
        cost = {r.id: median_latency(r) for r in results}
    unit = "J/query" if by_energy else "ms"
    known = [
        (result, result.quality, x)
        for result in results
        if (x := cost[result.id]) is not None and x.known
        if result.quality is not None and result.quality.value.known
    ]
    qualities = percent_if_shares(quality.value for _, quality, _ in known)
    points = []
    shared = False
    for (result, quality, x), shown in zip(known, qualities, strict=True):
        y_low, y, y_high = shown.bounds()
        among = (energy_among_setups(run, result) if by_energy else None) or x
        shared = shared or among != x
        x_value = x.to(unit).bounds()[1]
        x_low, _, x_high = among.to(unit).bounds()
        points.append(
            _who(run, result)
            | {"x": x_value, "x1": x_low, "x2": x_high, "y": y, "y1": y_low, "y2": y_high}
            | {
                "quality": quantity_text(shown),
                "cost": quantity_text(x.to(unit)),
            }
            | {"gate": quality.gate_passed}
        )
    if not points:
        return None
    higher = registry.higher_is_better(run.task.name)
    passed = [p for p in points if p["gate"] is not False]
    at = {p["setup"]: (p["x"], p["y"] if higher else -p["y"]) for p in passed}
    for point in points:
        own = at.get(point["setup"])
        point["front"] = own is not None and not any(dominates(other, own) for other in at.values())
    low, high = min(p["x1"] for p in points), max(p["x2"] for p in points)
    return {
        "points": points,
        "by_energy": by_energy,
        "x_label": ("Energy per query, J" if by_energy else "Median latency, ms")
        + (AMONG if shared else ""),
        "y_label": f"{run.task.metric}" + (", %" if quality_is_share(points) else ""),
        "y_reverse": not higher,
        "log": low > 0 and high / low > 8,
    }


def quality_is_share(points: list[dict[str, Any]]) -> bool:
    """Whether the quality of the points is in percent."""
    return any("%" in p["quality"] for p in points)


def distribution(
    results: list[Result], latencies_ms: Mapping[str, NDArray[np.float64]], baseline: str
) -> dict[str, Any] | None:
    """Density of latency per setup on one logarithmic axis, peak scaled to 1, with p50/p90/p99.

    A Gaussian kernel on log(latency); its bandwidth is Silverman's rule of thumb (Silverman,
    Density Estimation for Statistics and Data Analysis, 1986, equation 3.31).
    """
    samples = {
        r.id: values[values > 0]
        for r in results
        if len(values := np.asarray(latencies_ms.get(r.id, ()), dtype=np.float64)) > 1
        and bool((values > 0).any())
    }
    if not samples:
        return None
    low = min(float(np.quantile(v, _TAIL)) for v in samples.values())
    high = max(float(np.quantile(v, 1 - _TAIL)) for v in samples.values())
    grid = np.linspace(np.log(low / 1.06), np.log(high * 1.06), _BINS)
    rows = []
    for result in results:
        if result.id not in samples or result.latency is None:
            continue
        values = samples[result.id]
        latency = result.latency
        marks = {k: getattr(latency, k) for k in ("p50", "p90", "p99")}
        rows.append(
            {
                "setup": result.id,
                "framework": result.trial.setup.framework,
                "baseline": result.id == baseline,
                "queries": len(values),
                "beyond": int(((values < low) | (values > high)).sum()),
                "density": [round(float(d), 4) for d in _density(np.log(values), grid)],
                **{k: q.to("ms").value for k, q in marks.items()},
                "text": " / ".join(value_text(q.to("ms")) for q in marks.values()) + " ms",
            }
        )
    return {"grid": [float(f"{x:.6g}") for x in np.exp(grid)], "rows": rows} if rows else None


def _density(values: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    quartiles = np.quantile(values, [0.25, 0.75])
    spread = min(float(values.std()), float(quartiles[1] - quartiles[0]) / 1.349)
    step = float(grid[1] - grid[0])
    bandwidth = max(0.9 * spread * len(values) ** -0.2, step)
    edges = np.append(grid - step / 2, grid[-1] + step / 2)
    counts, _ = np.histogram(values, edges)
    kernel = np.exp(-0.5 * ((grid[:, None] - grid[None, :]) / bandwidth) ** 2)
    density: NDArray[np.float64] = kernel @ counts
    return density / (density.max() or 1.0)


def intervals(run: Run, pairs: list[tuple[Result, Quantity | None]]) -> dict[str, Any] | None:
    """One dot with its interval per setup. None where no setup has the figure."""
    rows = [
        _who(run, result)
        | dict(zip(("low", "value", "high"), quantity.bounds(), strict=True))
        | {"text": f"{value_text(quantity)} {range_text(quantity)}".rstrip()}
        for result, quantity in pairs
        if quantity is not None and quantity.known
    ]
    if not rows:
        return None
    low, high = min(r["low"] for r in rows), max(r["high"] for r in rows)
    return {"rows": rows, "log": low > 0 and high / low > 5}


def _who(run: Run, result: Result) -> dict[str, Any]:
    return {
        "setup": result.id,
        "framework": result.trial.setup.framework,
        "fp32": result.trial.setup.precision.exact_weights,
        "baseline": result.id == run.plan.baseline_label,
    }
