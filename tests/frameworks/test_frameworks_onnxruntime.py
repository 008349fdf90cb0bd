import logging
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from tiny_models import TinyConvNet, TinyTransformer

from wattmark.errors import FrameworkError, UnsupportedSetupError
from wattmark.frameworks.onnxruntime import OnnxRuntime

pytestmark = pytest.mark.slow

LOAD = """
import sys
from pathlib import Path
from types import SimpleNamespace
from wattmark.frameworks.onnxruntime import OnnxRuntime
from wattmark.records import Setup
network = SimpleNamespace(stateful=False)
OnnxRuntime().load(Path(sys.argv[1]), network, Setup(framework="onnxruntime", mode="cpu"), 1)
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


@pytest.mark.parametrize(("precision", "bits"), [("int8-weight-only", 8), ("int4-weight-only", 4)])
def test_weights_of_all_linear_layers_are_stored_in_few_bits(precision, bits, workspace, capfd):
    import onnx

    handlers = list(logging.getLogger().handlers)
    space = workspace(TinyTransformer(), "onnxruntime", "cpu", precision)
    OnnxRuntime().prepare(space)
    graph = onnx.load(space.out / "model.onnx").graph
    products = [node for node in graph.node if node.op_type == "MatMulNBits"]
    assert len(products) == 5  # qkv, out, up, down, head
    assert {a.i for node in products for a in node.attribute if a.name == "bits"} == {bits}
    assert logging.getLogger().handlers == handlers
    assert "quantize" not in capfd.readouterr().err


def test_weights_only_of_a_network_without_linear_layers_is_refused(workspace):
    def build() -> Any:
        from torch import nn

        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()

    network = replace(TinyConvNet(), build=build)
    space = workspace(network, "onnxruntime", "cpu", "int4-weight-only")
    with pytest.raises(UnsupportedSetupError, match="no matrix product"):
        OnnxRuntime().prepare(space)


def test_half_precision_holds_large_activations_and_late_positions(workspace):
    """Squares over 65 504 and angles of positions over 2 048 stay FP32."""
    import numpy as np

    def build() -> Any:
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.norm = nn.RMSNorm(32)

            def forward(self, image: Any) -> Any:
                angle = image.mean((2, 3)) * 0 + 3001.0
                return self.norm(image * 1000) * torch.cos(angle * 0.7)[:, :, None, None]

        return Net().eval()

    network = replace(TinyConvNet(), build=build)
    space = workspace(network, "onnxruntime", "cpu", "fp16")
    OnnxRuntime().prepare(space)
    (query,) = network.preprocess([0])
    output = OnnxRuntime().load(space.out, network, space.setup, threads=1)(query)
    image = query["image"] / np.sqrt((query["image"] ** 2).mean(-1, keepdims=True))
    np.testing.assert_allclose(output, image * np.cos(3001 * 0.7), atol=1e-2)
