import subprocess
import sys

import pytest
from tiny_models import TinyConvNet, TinyTransformer

from wattmark.errors import FrameworkError
from wattmark.frameworks.onnxruntime import OnnxRuntime

pytestmark = pytest.mark.slow

LOAD = """
import sys
from pathlib import Path
from types import SimpleNamespace
from wattmark.frameworks.onnxruntime import OnnxRuntime
from wattmark.records import Setup
OnnxRuntime().load(Path(sys.argv[1]), None, Setup(framework="onnxruntime", mode="cpu"), 1)
print(*sorted({"torch", "transformers", "onnx", "openvino"} & set(sys.modules)))
"""


def test_loading_imports_no_other_framework(workspace):
    space = workspace(TinyConvNet(), "onnxruntime", "cpu")
    OnnxRuntime().prepare(space)
    command = [sys.executable, "-c", LOAD, str(space.out)]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_static_quantisation_without_calibration_inputs_is_refused(workspace):
    space = workspace(TinyConvNet(), "onnxruntime", "cpu", "int8-static")
    with pytest.raises(FrameworkError, match="calibration"):
        OnnxRuntime().prepare(space)


def test_only_the_quantised_model_is_left_in_the_artefact(workspace):
    import onnx

    space = workspace(TinyTransformer(), "onnxruntime", "cpu", "int8-dynamic")
    OnnxRuntime().prepare(space)
    (file,) = space.out.iterdir()
    operators = {node.op_type for node in onnx.load(file).graph.node}
    assert "MatMulInteger" in operators


def test_normalisations_stay_in_fp32(workspace):
    import onnx

    model = TinyTransformer()
    calibration = model.preprocess([5, 12])
    space = workspace(model, "onnxruntime", "cpu", "int8-static", calibration=calibration)
    OnnxRuntime().prepare(space)
    graph = onnx.load(space.out / "model.onnx").graph
    quantised = {name for n in graph.node if n.op_type == "DequantizeLinear" for name in n.output}
    (norm,) = [n for n in graph.node if n.op_type == "LayerNormalization"]
    assert not quantised & set(norm.input[1:])
