import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_models import TinyConvNet, TinyTransformer

from wattmark.errors import FrameworkError
from wattmark.frameworks.openvino import OpenVino

pytestmark = pytest.mark.slow

LOAD = """
import sys
from pathlib import Path
from types import SimpleNamespace
from wattmark.contracts import InputSpec
from wattmark.frameworks.openvino import OpenVino
from wattmark.records import Setup
model = SimpleNamespace(inputs=(InputSpec("image", "float32", (1, 3, 32, 32)),), axes={})
OpenVino().load(Path(sys.argv[1]), model, Setup(framework="openvino", mode="cpu"), 1)
print(*sorted({"torch", "transformers", "onnx", "nncf", "onnxruntime"} & set(sys.modules)))
"""

QUANTISE = """
from wattmark.frameworks.openvino import _openvino
_openvino()
import nncf
from nncf.telemetry import telemetry
telemetry.send_event("nncf", "test", "test")
"""


def python(code: str, *arguments: str, home: Path) -> str:
    """What a fresh process prints whose user has this home and is in no CI."""
    environment = {k: v for k, v in os.environ.items() if k not in ("CI", "NNCF_CI", "NNCF_DEV")}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_loading_imports_no_other_framework_and_reports_to_nobody(workspace, tmp_path):
    space = workspace(TinyConvNet(), "openvino", "cpu")
    OpenVino().prepare(space)
    assert python(LOAD, str(space.out), home=tmp_path).split() == []
    # where it reports its use, it leaves a client id in this folder
    assert not (tmp_path / "intel").exists()


def test_quantising_reports_to_nobody(tmp_path):
    python(QUANTISE, home=tmp_path)
    assert not (tmp_path / "intel").exists()


def test_weights_are_kept_in_fp32(workspace):
    model = TinyTransformer()
    space = workspace(model, "openvino", "cpu")
    OpenVino().prepare(space)
    stored = np.fromfile(space.out / "model.bin", dtype=np.float32)
    (weight,) = (p for name, p in model.module().named_parameters() if name == "up.weight")
    row = weight.detach().numpy()[0, :8]
    column = weight.detach().numpy()[:8, 0]
    windows = np.lib.stride_tricks.sliding_window_view(stored, 8)
    assert any((windows == expected).all(axis=1).any() for expected in (row, column))


def test_int8_quantises_the_graph(workspace):
    model = TinyTransformer()
    calibration = model.preprocess([5, 12])
    space = workspace(model, "openvino", "cpu", "int8-static", calibration=calibration)
    OpenVino().prepare(space)
    assert 'type="FakeQuantize"' in (space.out / "model.xml").read_text()


def test_static_quantisation_without_calibration_inputs_is_refused(workspace):
    space = workspace(TinyConvNet(), "openvino", "cpu", "int8-static")
    with pytest.raises(FrameworkError, match="calibration"):
        OpenVino().prepare(space)


def test_inputs_of_a_shape_that_is_no_bucket_are_refused(workspace):
    model = TinyTransformer()
    space = workspace(model, "openvino", "cpu")
    OpenVino().prepare(space)
    runner = OpenVino().load(space.out, model, space.setup, threads=1)
    odd = {name: array[:, :5] for name, array in model.preprocess([8])[0].items()}
    with pytest.raises(FrameworkError, match=r"\(1, 5\)"):
        runner(odd)
