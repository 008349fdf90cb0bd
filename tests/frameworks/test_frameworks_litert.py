"""LiteRT: one flatbuffer with a signature for each size, in 32 and in 8 bits."""

import numpy as np
import pytest
from captured_artefacts import (
    conversations,
    difference,
    load_in_a_fresh_process,
    loaded,
    prepared,
    short_decoder,
    sorting,
    with_state,
)
from tiny_models import (
    Reference,
    TinyConvNet,
    TinyTransformer,
    reference_outputs,
    run_decoder,
)

from wattmark.errors import FrameworkError, UnsupportedOpError
from wattmark.frameworks.tensorflow import TensorFlow
from wattmark.records import Precision, Setup

pytestmark = pytest.mark.slow

#: 8 bits are steps of 1/127 = 0.8 % of each tensor's range; a handful of layers adds up
TOLERANCES = {"fp32": 1e-5, "int8-dynamic": 0.05, "int8-static": 0.15}


@pytest.mark.parametrize(
    ("network", "precision"),
    [
        (TinyTransformer(), "fp32"),
        (TinyTransformer(), "int8-dynamic"),
        (TinyConvNet(), "fp32"),
        (TinyConvNet(), "int8-static"),
    ],
)
def test_outputs_equal_the_reference(network, precision, tmp_path):
    queries = network.preprocess([3, 8, 11, 16])
    folder = prepared(TensorFlow(), network, tmp_path, "litert", precision, queries)
    setup = Setup(framework="tensorflow", mode="litert", precision=Precision(precision))
    runner = TensorFlow().load(folder, network, setup, 1)
    ours = [runner(query) for query in queries]
    assert all(type(o) is np.ndarray and o.dtype == np.float32 for o in ours)
    far = difference(ours, reference_outputs(network, queries))
    assert far < TOLERANCES[precision]
    assert precision == "fp32" or far > 1e-5, "nothing was quantised"

    assert sorted(p.name for p in folder.iterdir()) == ["model.tflite", "programs.json"]
    size, weights = (folder / "model.tflite").stat().st_size, bytes_of_weights(network)
    if network.axes:  # two signatures, and the weights once
        assert weights < size < 2 * weights if precision == "fp32" else size < 0.7 * weights


def bytes_of_weights(network):
    return 4 * sum(parameter.numel() for parameter in network.module().parameters())


@pytest.mark.parametrize(("precision", "batch"), [("fp32", 2), ("int8-static", 1)])
def test_a_decoder_keeps_its_cache(precision, batch, tmp_path):
    network = short_decoder(batch)
    asked = conversations(network, batch)
    calibration = [q for sizes, calls in asked for q in with_state(network, sizes, calls)]
    runner = loaded(TensorFlow(), network, tmp_path, "litert", precision, calibration)
    for sizes, calls in asked:
        ours = run_decoder(runner, sizes, calls)
        theirs = run_decoder(Reference(network), sizes, calls)
        assert difference(ours, theirs) < TOLERANCES[precision]


def test_static_quantisation_asks_for_calibration(tmp_path):
    with pytest.raises(FrameworkError, match="int8-static needs calibration inputs"):
        prepared(TensorFlow(), TinyConvNet(), tmp_path, "litert", "int8-static")


def test_a_size_without_calibration_inputs_gets_those_of_a_smaller_one(tmp_path):
    network = TinyTransformer()
    short, long = network.preprocess([5]), network.preprocess([12])
    with pytest.raises(FrameworkError, match=r"none for input_ids \(1, 8\)"):
        prepared(TensorFlow(), network, tmp_path, "litert", "int8-static", long)

    (tmp_path / "padded").mkdir()
    runner = loaded(TensorFlow(), network, tmp_path / "padded", "litert", "int8-static", short)
    far = difference([runner(q) for q in long], reference_outputs(network, long))
    assert 1e-5 < far < TOLERANCES["int8-static"]


def test_an_unknown_operator_is_named_when_preparing(workspace):
    with pytest.raises(UnsupportedOpError, match=r"LiteRT.*aten\.sort\.default"):
        TensorFlow().prepare(workspace(sorting(), "tensorflow", "litert"))


def test_a_worker_imports_neither_torch_nor_tensorflow(tmp_path):
    folder = prepared(TensorFlow(), TinyConvNet(), tmp_path, "litert")
    load_in_a_fresh_process(folder, "tensorflow", "TensorFlow", "litert", "torch,tensorflow")
