from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tiny_models import (
    TinyConvNet,
    TinyCrossDecoder,
    TinyDecoder,
    TinyTransformer,
    reference_outputs,
)

from wattmark.errors import FrameworkError
from wattmark.frameworks import onnx_export

pytestmark = pytest.mark.slow


def shape(value: Any) -> list[int | str]:
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


def test_names_and_axes_are_the_networks_own(tmp_path, capfd):
    import onnx

    onnx_export.export_onnx(TinyTransformer(), tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert {i.name: shape(i) for i in graph.input} == {
        "input_ids": [1, "length"],
        "attention_mask": [1, "length"],
    }
    assert [o.name for o in graph.output] == ["output"]
    assert capfd.readouterr().out == ""


def test_state_is_inputs_and_outputs_of_different_names(tmp_path):
    import onnx

    network = TinyDecoder()
    onnx_export.export_onnx(network, tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    cache = [spec.name for spec in network.reads]
    assert [i.name for i in graph.input] == ["input_ids", "start", "last", *cache]
    assert [o.name for o in graph.output] == ["output", *(f"next_{name}" for name in cache)]
    assert shape(graph.input[3]) == [1, 4, "context", 8]
    assert shape(graph.output[1]) == [1, 4, "context", 8]


def test_an_axis_of_one_size_is_fixed_also_where_sizes_say_so(tmp_path):
    import onnx

    network = replace(
        TinyCrossDecoder(),
        axes={"length": (1, 4), "context": (16, 32), "frames": (5,)},
        sizes=(
            {"length": 1, "context": 16, "frames": 5},
            {"length": 4, "context": 16, "frames": 5},
        ),
    )
    onnx_export.export_onnx(network, tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    shapes = {i.name: shape(i) for i in graph.input}
    assert shapes["input_ids"] == [1, "length"]
    assert shapes["cross_key_0"] == [1, 4, 5, 8]
    assert shapes["cache_key_0"] == [1, 4, 16, 8]


def test_a_fixed_shape_stays_fixed_in_one_file(tmp_path):
    import onnx

    onnx_export.export_onnx(TinyConvNet(), tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    assert shape(model.graph.input[0]) == [1, 3, 32, 32]
    assert [(o.domain, o.version) for o in model.opset_import if not o.domain] == [("", 20)]
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_the_file_is_shared(workspace):
    network = TinyConvNet()
    first = onnx_export.shared_onnx(workspace(network, "onnxruntime", "cpu"))
    second = onnx_export.shared_onnx(workspace(network, "openvino", "cpu"))
    assert first == second


def test_weights_over_the_formats_limit_go_beside_the_file(workspace, monkeypatch):
    from wattmark.frameworks import onnx_quantised
    from wattmark.frameworks.onnxruntime import OnnxRuntime

    monkeypatch.setattr(onnx_export, "MAX_BYTES", 100)
    monkeypatch.setattr(onnx_quantised, "MAX_BYTES", 100)
    network = TinyTransformer()
    queries = network.preprocess([8])
    (reference,) = reference_outputs(network, queries)
    for precision in ("fp32", "fp16", "int8-static", "int4-weight-only"):
        space = workspace(network, "onnxruntime", "cpu", precision, calibration=queries)
        OnnxRuntime().prepare(space)
        assert {file.name for file in space.out.iterdir()} == {"model.onnx", "model.onnx.data"}
        output = OnnxRuntime().load(space.out, network, space.setup, threads=1)(queries[0])
        assert np.abs(output - reference).max() < 0.15 * np.abs(reference).max()


def test_a_module_that_cannot_be_traced_is_refused_by_name(tmp_path):
    def build() -> Any:
        from torch import nn

        class Net(nn.Module):
            def forward(self, image: Any) -> Any:
                return image if image.sum() > 0 else -image

        return Net().eval()

    undecided = replace(TinyConvNet(), name="undecided", build=build)
    with pytest.raises(FrameworkError, match="undecided cannot be exported to ONNX"):
        onnx_export.export_onnx(undecided, tmp_path / "model.onnx")
