"""The small parts of the protocol: schedule, inputs, conversion check, channel, artefact cache."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.conduct.schedule import (
    MOST_EXECUTIONS,
    Progress,
    block,
    renewal_due,
    rounds_of_a_pass,
    share_of_a_pass,
    turn_order,
)
from wattmark.errors import ConversionError, MissingPackageError, UnsupportedSetupError, WorkerError
from wattmark.records import Plan, Precision, Setup
from wattmark.worker.artefacts import build_once, package_versions, require_supported
from wattmark.worker.conversion import compare, require_same_model
from wattmark.worker.inputs import load_inputs, representatives, save_inputs, spread
from wattmark.worker.messages import Channel


def plan(**changes: object) -> Plan:
    settings = {"name": "p", "task": "t", "model": "m", "setups": ["a/b/fp32"], "executions": 1}
    return Plan.model_validate(settings | changes)


@settings(derandomize=True, deadline=None)
@given(st.integers(2, 500), st.integers(2, 50))
def test_one_pass_asks_every_query_exactly_once(queries: int, rounds: int) -> None:
    settings = plan(rounds=rounds)
    asked = [
        number
        for index in range(rounds_of_a_pass(settings, queries))
        for number in range(*block(settings, queries, index))
    ]

    assert asked == list(range(queries))


def test_a_second_pass_repeats_the_blocks() -> None:
    settings = plan(rounds=4)

    assert block(settings, 100, 5) == block(settings, 100, 1)


def test_turns_are_shuffled_by_the_seed_and_hold_every_trial() -> None:
    orders = [turn_order(plan(seed=1), ["a", "b", "c", "d"], i) for i in range(20)]

    assert all(sorted(order) == ["a", "b", "c", "d"] for order in orders)
    assert len({tuple(order) for order in orders}) > 5
    assert orders[3] == turn_order(plan(seed=1), ["d", "c", "b", "a"], 3)


def renewals(executions: int, budget_s: float, round_s: float, **changes: object) -> list[int]:
    """Rounds at which processes are renewed, where each takes ``round_s`` and loading 10 s."""
    settings = plan(rounds=10, executions=executions, budget_s=budget_s)
    begun, here, spent_s, found = 1, 0, 0.0, []
    for index in range(1000):
        at = Progress(
            executions=begun, measured_s=index * round_s, round_s=round_s,
            load_s=10.0, left_s=budget_s - spent_s,
            narrow=bool(changes.get("narrow")) and here >= share_of_a_pass(settings, 1000),
            known=begun >= int(str(changes.get("known_from", 0))),
        )  # fmt: skip
        if renewal_due(settings, at):
            found.append(index)
            begun, here, spent_s = begun + 1, 0, spent_s + 10.0
        elif spent_s + round_s > budget_s:
            break
        spent_s, here = spent_s + round_s, here + 1
    return found


@pytest.mark.parametrize(
    ("executions", "round_s", "expected"),
    [
        (1, 5.0, []),
        (2, 10.0, [10]),  # a pass and no more fits: in its middle
        (2, 1.0, [100]),  # ten passes fit: after five of them
        (2, 50.0, [2]),  # not even half a pass fits: in the middle of the time
        (2, 250.0, []),
        (4, 2.0, [22, 45, 67]),
    ],
)
def test_executions_share_the_budget_equally(
    executions: int, round_s: float, expected: list[int]
) -> None:
    assert renewals(executions, 210.0, round_s) == expected


def test_an_execution_ends_sooner_where_the_ratios_are_narrow_but_has_its_share_of_a_pass() -> None:
    assert renewals(2, 1000.0, 1.0, narrow=True) == [5]


def test_fresh_processes_go_on_beyond_the_plan_until_the_ratios_are_known() -> None:
    assert renewals(2, 1000.0, 1.0, narrow=True, known_from=4) == [5, 10, 15]
    assert renewals(1, 1000.0, 1.0, narrow=True, known_from=4) == []  # one process was asked for
    without_end = renewals(2, 1000.0, 1.0, narrow=True, known_from=99)
    assert 1 + len(without_end) == MOST_EXECUTIONS


def test_inputs_of_several_shapes_come_back_in_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    queries = [
        {"ids": rng.integers(0, 9, (1, length)), "mask": np.ones((1, length), np.int64)}
        for length in (4, 8, 4, 16, 8)
    ]

    digest = save_inputs(queries, tmp_path / "a")
    again = load_inputs(tmp_path / "a")

    for ours, theirs in zip(queries, again, strict=True):
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert digest == save_inputs(again, tmp_path / "b")
    assert digest != save_inputs(queries[::-1], tmp_path / "c")
    assert representatives(queries) == [0, 1, 3]
    assert set(spread(queries, 2)) >= {0, 1, 3}


def outputs(*rows: list[float]) -> list[np.ndarray]:
    return [np.array([row]) for row in rows]


def test_fp32_may_differ_by_rounding_only() -> None:
    reference = outputs([1.0, -2.0], [0.5, 0.4])

    close = compare(outputs([1.0, -2.0001], [0.5, 0.4]), reference, Precision.FP32)
    far = compare(outputs([1.0, -2.001], [0.5, 0.4]), reference, Precision.FP32)

    assert close.passed and close.max_rel_difference == pytest.approx(5e-5)
    assert not far.passed
    require_same_model(close)
    with pytest.raises(ConversionError, match="not the same model"):
        require_same_model(far)


def test_a_quantised_model_must_agree_on_four_of_five_inputs() -> None:
    reference = outputs(*[[1.0, 0.0]] * 10)
    agreeing = outputs(*[[0.6, 0.4]] * 8, *[[0.4, 0.6]] * 2)
    differing = outputs(*[[0.6, 0.4]] * 7, *[[0.4, 0.6]] * 3)

    assert compare(agreeing, reference, Precision.INT8_DYNAMIC).passed
    check = compare(differing, reference, Precision.INT8_DYNAMIC)
    with pytest.raises(ConversionError, match="agree with the reference on 70%"):
        require_same_model(check)


def test_outputs_that_are_not_numbers_never_pass() -> None:
    check = compare(outputs([float("nan"), 1.0]), outputs([0.0, 1.0]), Precision.FP32)

    assert not check.passed


def test_a_different_output_shape_is_an_error() -> None:
    with pytest.raises(ConversionError, match="shape"):
        compare([np.zeros((1, 3))], [np.zeros((1, 2))], Precision.FP32)


def pair() -> tuple[Channel, Channel]:
    a_read, b_write = os.pipe()
    b_read, a_write = os.pipe()
    return Channel(a_read, a_write), Channel(b_read, b_write)


def test_messages_cross_the_channel_whole_and_in_order() -> None:
    ours, theirs = pair()
    large = {"text": "x" * 300_000}
    writer = threading.Thread(target=lambda: (ours.send({"n": 1}), ours.send(large)))
    writer.start()

    assert theirs.receive(5) == {"n": 1}
    assert theirs.receive(5) == large
    writer.join()
    ours.close()
    assert theirs.receive(5) is None
    theirs.close()


def test_silence_is_a_hang_and_a_closed_end_is_gone() -> None:
    ours, theirs = pair()
    with pytest.raises(WorkerError) as silence:
        ours.receive(0.05)
    theirs.close()
    with pytest.raises(WorkerError) as closed:
        ours.send({})
    ours.close()

    assert (silence.value.reason, closed.value.reason) == ("hang", "gone")


def test_an_artefact_is_built_once_and_an_unfinished_one_again(tmp_path: Path) -> None:
    built = []

    def build(folder: Path) -> None:
        built.append(list(folder.iterdir()))
        (folder / "weights").write_text("w")

    folder = tmp_path / "artefact"
    with pytest.raises(ZeroDivisionError):
        build_once(folder, lambda f: (build(f), 1 / 0))
    assert not build_once(folder, build)
    assert build_once(folder, build)
    assert built == [[], []]


class Half:
    name = "half"
    modes = {"eager": (Precision.FP16,)}
    packages = ("numpy", "a-package-that-is-not-there")
    extra = "half"


def test_what_a_framework_lacks_is_said_with_what_it_has() -> None:
    with pytest.raises(UnsupportedSetupError, match="it has eager"):
        require_supported(Half(), Setup(framework="half", mode="jit"))  # type: ignore[arg-type]
    with pytest.raises(UnsupportedSetupError, match="it can do fp16"):
        require_supported(Half(), Setup(framework="half", mode="eager"))  # type: ignore[arg-type]


def test_a_missing_package_is_said_with_the_extra_that_has_it() -> None:
    with pytest.raises(MissingPackageError, match=r"pip install 'wattmark\[half\]'"):
        package_versions(Half())  # type: ignore[arg-type]
