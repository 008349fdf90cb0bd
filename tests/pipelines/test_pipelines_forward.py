from __future__ import annotations

import numpy as np
import pytest

from wattmark.errors import UnsupportedSetupError
from wattmark.pipelines.forward import Forward

INPUTS = {"x": np.array([[1.0, 2.0]])}


def double(inputs):
    return inputs["x"] * 2


def test_the_answer_is_one_call_of_the_network_and_marks_nothing():
    marked = []
    pipeline = Forward({})
    output = pipeline({"forward": double}, INPUTS, lambda *mark: marked.append(mark))
    assert output.tolist() == [[2.0, 4.0]]
    assert marked == [] and pipeline.phases == {}


def test_what_is_compared_is_what_is_answered():
    assert Forward({}).probe({"forward": double}, INPUTS).tolist() == [[2.0, 4.0]]


def test_options_are_refused_by_name():
    with pytest.raises(UnsupportedSetupError, match="steps, tokens"):
        Forward({"tokens": "8", "steps": "3"})
