"""The trade-off of quality against cost: values, intervals, hypervolume, and the command."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_run import MEASURED, make_result, make_run
from typer.testing import CliRunner

from wattmark.cli.main import app
from wattmark.errors import RatingError
from wattmark.quantities import Quantity
from wattmark.rating.pareto import Point, Standing, hypervolume, pareto
from wattmark.workflows import runs


def point(name: str, cost: float, quality: float, spread: float = 0.0) -> Point:
    return Point(
        name,
        Quantity.between(cost, cost * (1 - spread), cost * (1 + spread), "J"),
        Quantity.between(quality, quality * (1 - spread), quality * (1 + spread), "%"),
    )


def standings(points: list[Point]) -> dict[str, Standing]:
    return {p.point.name: p.standing for p in pareto(points)}


def test_exact_points_are_on_the_front_or_surely_off_it() -> None:
    found = standings([point("a", 1, 80), point("b", 2, 90), point("c", 3, 85)])
    assert found == {"a": Standing.FRONT, "b": Standing.FRONT, "c": Standing.DOMINATED}


def test_a_point_that_intervals_cannot_tell_from_a_better_one_may_be_on_the_front() -> None:
    points = [point("a", 1.0, 80, 0.05), point("b", 1.02, 79.5, 0.05), point("c", 5, 40, 0.05)]
    assert standings(points) == {
        "a": Standing.FRONT,
        "b": Standing.MAYBE,
        "c": Standing.DOMINATED,
    }
    assert [p.by for p in pareto(points)] == ["", "a", "a"]


def test_two_equal_points_do_not_dominate_each_other() -> None:
    assert set(standings([point("a", 1, 80), point("b", 1, 80)]).values()) == {Standing.FRONT}


values = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=15)


@given(values)
def test_somebody_is_on_the_front_and_the_front_alone_has_all_of_the_hypervolume(rows) -> None:
    points = [point(str(i), x, y) for i, (x, y) in enumerate(rows)]
    front = [p.point for p in pareto(points) if p.standing is Standing.FRONT]
    assert front
    assert hypervolume(front, 60, 0) == pytest.approx(hypervolume(points, 60, 0))


@given(values)
def test_the_hypervolume_is_the_area_that_is_dominated(rows) -> None:
    points = [point(str(i), x, y) for i, (x, y) in enumerate(rows)]
    cells = sum(
        any(x <= cx and y > cy for x, y in rows) for cx in range(1, 60) for cy in range(0, 50)
    )
    assert hypervolume(points, 60, 0) == pytest.approx(cells)


def test_the_command_prints_draws_and_leaves_out_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run([make_result(label, *figures) for label, figures in MEASURED.items()])
    monkeypatch.setattr(runs, "load", lambda name="latest": run)
    plot = tmp_path / "front.svg"
    found = CliRunner().invoke(
        app, ["pareto", "--reference", "0.5,50", "--plot", str(plot)], catch_exceptions=False
    )
    assert "on the front" in found.stdout and "Hypervolume to 0.5, 50: " in found.stdout
    assert "Not placed: openvino/cpu/int8-static (it misses the quality gate)" in found.stdout
    assert plot.read_text().startswith("<svg")
    bare = make_run([make_result("pytorch/eager/fp32", 17.1, 1.0, 842, energy=False)])
    monkeypatch.setattr(runs, "load", lambda name="latest": bare)
    refused = CliRunner().invoke(app, ["pareto"])
    assert isinstance(refused.exception, RatingError)
    assert CliRunner().invoke(app, ["pareto", "--cost", "time"]).exit_code == 2
    assert CliRunner().invoke(app, ["pareto", "--cost", "latency"]).exit_code == 0


@given(values)
def test_a_metric_of_which_less_is_better_turns_the_front(rows) -> None:
    turned = [point(str(i), x, 100 - y) for i, (x, y) in enumerate(rows)]
    plain = [point(str(i), x, y) for i, (x, y) in enumerate(rows)]
    assert [p.standing for p in pareto(turned, higher_is_better=False)] == [
        p.standing for p in pareto(plain)
    ]
    assert hypervolume(turned, 60, 100, higher_is_better=False) == pytest.approx(
        hypervolume(plain, 60, 0)
    )


def test_the_front_of_a_speech_task_has_the_fewest_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run([make_result(label, *figures) for label, figures in MEASURED.items()])
    task = run.task.model_copy(update={"name": "automatic-speech-recognition", "metric": "WER"})
    monkeypatch.setattr(runs, "load", lambda name: run.model_copy(update={"task": task}))
    found = CliRunner().invoke(app, ["pareto"], catch_exceptions=False)
    lines = {line.split()[0]: line for line in found.stdout.splitlines() if "/" in line}
    # of the least energy and, now, of the fewest errors
    assert "on the front" in lines["onnxruntime/cpu/int8-dynamic"]
    assert "ahead" in lines["pytorch/eager/fp32"] or "dominated" in lines["pytorch/eager/fp32"]


def test_the_cost_may_be_money(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run([make_result(label, *figures) for label, figures in MEASURED.items()])
    monkeypatch.setattr(runs, "load", lambda name: run)

    def said(*options: str) -> str:
        asked = ["pareto", "--cost", "money", *options]
        return CliRunner().invoke(app, asked, catch_exceptions=False).output

    electricity, rent = said("--price", "0.25EUR/kWh"), said("--instance-price", "3.60USD/h")
    # 0.2 J a query: 1 000 of them are 0.2 kJ; 17.1 ms x 1.15 a query at 3.60 USD an hour
    assert "EUR" in electricity and "1.4e−5" in electricity and "1.39e−5" in electricity
    assert "USD" in rent and "0.01967" in rent
    assert "money takes" in said()
    assert "money takes" in said("--price", "1EUR/kWh", "--instance-price", "1EUR/h")
