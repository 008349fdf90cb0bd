from typing import Any

import pytest
from tiny_models import TinyConvNet, TinyTransformer

from wattmark.errors import FrameworkError
from wattmark.frameworks import onnx_export
from wattmark.frameworks.buckets import bucket_shapes

pytestmark = pytest.mark.slow


def shape(value: Any) -> list[int | str]:
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


def test_names_and_axes_are_the_models_own(tmp_path, capfd):
    import onnx

    onnx_export.export_onnx(TinyTransformer(), tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert {i.name: shape(i) for i in graph.input} == {
        "input_ids": [1, "length"],
        "attention_mask": [1, "length"],
    }
    assert [o.name for o in graph.output] == ["output"]
    assert capfd.readouterr().out == ""


def test_a_fixed_shape_stays_fixed_in_one_file(tmp_path):
    import onnx

    onnx_export.export_onnx(TinyConvNet(), tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    assert shape(model.graph.input[0]) == [1, 3, 32, 32]
    assert [(o.domain, o.version) for o in model.opset_import if not o.domain] == [("", 20)]
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_the_file_is_shared(workspace):
    model = TinyConvNet()
    first = onnx_export.shared_onnx(workspace(model, "onnxruntime", "cpu"))
    second = onnx_export.shared_onnx(workspace(model, "openvino", "cpu"))
    assert first == second


def test_a_model_over_the_formats_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "MAX_BYTES", 100)
    with pytest.raises(FrameworkError, match="2 GiB"):
        onnx_export.export_onnx(TinyConvNet(), tmp_path / "model.onnx")


def test_a_module_that_cannot_be_traced_is_refused_by_name(tmp_path):
    class Undecided(TinyConvNet):
        name = "undecided"

        def module(self) -> Any:
            from torch import nn

            class Net(nn.Module):
                def forward(self, image: Any) -> Any:
                    return image if image.sum() > 0 else -image

            return Net().eval()

    with pytest.raises(FrameworkError, match="undecided cannot be exported to ONNX"):
        onnx_export.export_onnx(Undecided(), tmp_path / "model.onnx")


def test_buckets_are_all_combinations_of_the_axes():
    class TwoAxes(TinyTransformer):
        inputs = (
            TinyTransformer.inputs[0].__class__("a", "float32", (1, "length")),
            TinyTransformer.inputs[0].__class__("b", "float32", ("length", 4, "width")),
        )
        axes = {"length": (8, 16), "width": (2, 3)}

    assert bucket_shapes(TwoAxes()) == [
        ((1, 8), (8, 4, 2)),
        ((1, 8), (8, 4, 3)),
        ((1, 16), (16, 4, 2)),
        ((1, 16), (16, 4, 3)),
    ]
    assert bucket_shapes(TinyConvNet()) == [((1, 3, 32, 32),)]
