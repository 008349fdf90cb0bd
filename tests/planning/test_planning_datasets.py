"""What a plan's ``data`` names, and what a run makes of examples without labels."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

import wattmark
from wattmark import registry
from wattmark.conduct.judge import Judge
from wattmark.conduct.material import CALIBRATION_SAMPLES, gather
from wattmark.errors import PlanError, UnknownNameError
from wattmark.planning import datasets
from wattmark.planning.plans import load_plan
from wattmark.quantities import Reason
from wattmark.records import Plan
from wattmark.results.quality import quality

pytestmark = pytest.mark.usefixtures("fake_plugin")


def plan(*data: str, **changes: object) -> Plan:
    settings = {
        "name": "fake", "task": "fake-task", "model": "fake-model",
        "setups": ["fake/right/fp32"], "samples": 40, "data": list(data),
    }  # fmt: skip
    return load_plan({**settings, **changes})


def test_a_sample_is_drawn_equally_and_the_record_says_from_where():
    material = gather(plan("labelled", "bare=folder:/somewhere"))

    assert Counter(e.source for e in material.examples) == {"labelled": 20, "bare": 20}
    assert material.task.sources == ("labelled of org/fake", "bare of /somewhere")
    assert material.task.licence == "labelled: CC0-1.0; bare: CC0-1.0"
    assert "quality over the 20 of 40 with labels, none of bare" in material.task.description


def test_a_collection_stands_for_all_its_sets_and_a_copy_goes_before_the_hub():
    found = gather(plan("both", "bare=folder:/copy", "labelled")).task.sources

    assert found == ("labelled of org/fake", "bare of /copy")


def test_without_data_the_packaged_sample_is_taken():
    assert {e.source for e in gather(plan()).examples} == {""}


def test_the_same_data_have_the_same_digest_and_others_another():
    digests = [gather(plan(name)).task.data_digest for name in ("labelled", "labelled", "both")]

    assert digests[0] == digests[1] != digests[2]


def test_a_misspelt_name_is_told_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"data\[1\]: .*'lablled'.*mean 'labelled'"):
        plan("bare", "lablled")


@pytest.mark.parametrize("entry", ["bare=", "bare=/a/path", "bare=folder:"])
def test_a_copy_is_given_as_a_folder(entry):
    with pytest.raises(PlanError, match=r"data\[0\]: .*NAME or NAME=folder:PATH"):
        plan(entry)


def test_a_folder_cannot_stand_for_several_sets():
    with pytest.raises(PlanError, match=r"several data sets: .* each \(labelled, bare\)"):
        plan("both=folder:/somewhere")


def test_data_without_any_label_are_refused_before_anything_is_timed():
    with pytest.raises(PlanError, match=r"^bare: no example has a label.*--cost-only"):
        gather(plan("bare"))


def test_for_cost_only_labels_do_not_count():
    material = gather(plan("both", cost_only=True))

    assert {e.label for e in material.examples} == {None}
    assert "with labels" not in material.task.description


def test_static_quantisation_is_calibrated_on_the_same_data_sets():
    material = gather(plan("labelled", setups=["fake/right/int8-static"]))
    _, drawn = datasets.load(registry.task("fake-task"), ("labelled",), CALIBRATION_SAMPLES, 1)

    assert len(material.calibration) == CALIBRATION_SAMPLES
    assert {q["x"].tobytes() for q in material.calibration} == {e.data.tobytes() for e in drawn}


def test_a_model_that_cannot_take_the_data_is_told_apart_from_a_crash(monkeypatch):
    from wattmark_fake import FakeModel

    def preprocess(self, examples):
        raise ValueError("images of 64 x 64 pixels are needed")

    monkeypatch.setattr(FakeModel, "preprocess", preprocess)
    with pytest.raises(PlanError, match=r"cannot take the examples of labelled: 'images of 64"):
        gather(plan("labelled"))


@pytest.mark.slow
def test_quality_is_over_the_examples_with_labels():
    (result,) = wattmark.run(plan("both", rounds=2, executions=1, budget_s=20)).results

    assert result.quality is not None and result.queries >= 40
    assert result.quality.value.value == pytest.approx(0.9, abs=0.15)
    assert result.quality.queries == 20
    assert {e.per_correct.reason for e in result.energy} == {Reason.NOT_SUPPORTED}


def test_for_cost_only_quality_is_missing_with_its_reason_and_gates_nothing():
    settings = plan("bare", cost_only=True)
    found = quality(settings, registry.task("fake-task"), gather(settings), {}, {})

    assert found.value.reason is found.of_reference.reason is Reason.NOT_ASKED
    assert found.gate_passed is None


def test_an_answer_without_a_label_has_no_score():
    material = gather(plan("bare", cost_only=True))
    judge = Judge(registry.task("fake-task"), registry.model("fake-model"), material)

    prediction, score = judge.judge(0, np.array([[0.0, 2.0, 1.0]]))
    assert prediction == "1" and math.isnan(score)
    assert math.isnan(judge.unanswered(0)[1])


def test_what_is_read_once_is_no_part_of_the_time_of_a_query(monkeypatch):
    clock = [0.0]

    def slow_at_first(self, examples):
        clock[0] += 1e-3 * len(examples) + (0.0 if clock[0] else 60.0)
        return [{"x": example[None]} for example in examples]

    monkeypatch.setattr("wattmark_fake.FakeModel.preprocess", slow_at_first)
    monkeypatch.setattr("wattmark.conduct.material.time.perf_counter", lambda: clock[0])
    assert gather(plan()).preprocess.value == pytest.approx(1.0)
