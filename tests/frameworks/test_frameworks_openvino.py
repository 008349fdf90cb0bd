import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_models import TinyConvNet, TinyTransformer

from wattmark.errors import FrameworkError, UnsupportedSetupError
from wattmark.frameworks.openvino import OpenVino
from wattmark.records import Precision, Setup

pytestmark = pytest.mark.slow

LOAD = """
import sys
from pathlib import Path
from wattmark.contracts import InputSpec, Network
from wattmark.frameworks.openvino import OpenVino
from wattmark.records import Setup
model = Network("forward", (InputSpec("image", "float32", (1, 3, 32, 32)),), None)
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


def test_inputs_of_a_size_that_is_not_the_networks_are_refused(workspace):
    model = TinyTransformer()
    space = workspace(model, "openvino", "cpu")
    OpenVino().prepare(space)
    runner = OpenVino().load(space.out, model, space.setup, threads=1)
    odd = {name: array[:, :5] for name, array in model.preprocess([8])[0].items()}
    with pytest.raises(FrameworkError, match="'length': 5"):
        runner(odd)


@pytest.mark.parametrize(
    ("precision", "kind"), [("int8-weight-only", "u8"), ("int4-weight-only", "u4")]
)
def test_weights_are_compressed(precision, kind, workspace, capfd):
    space = workspace(TinyTransformer(), "openvino", "cpu", precision)
    OpenVino().prepare(space)
    assert f'element_type="{kind}"' in (space.out / "model.xml").read_text()
    assert capfd.readouterr().out == ""


def test_four_bits_that_would_not_be_are_refused(workspace):
    space = workspace(TinyConvNet(), "openvino", "cpu", "int4-weight-only")
    with pytest.raises(UnsupportedSetupError, match="int8-static"):
        OpenVino().prepare(space)


def test_half_precision_halves_the_weights(workspace):
    sizes = {}
    for precision in ("fp32", "fp16"):
        space = workspace(TinyTransformer(), "openvino", "cpu", precision)
        OpenVino().prepare(space)
        sizes[precision] = (space.out / "model.bin").stat().st_size
    assert sizes["fp16"] < 0.6 * sizes["fp32"]


def test_it_is_available_on_the_cpu_alone():
    setup = Setup(framework="openvino", mode="cpu", precision=Precision.INT4_WEIGHT_ONLY)
    assert OpenVino().available(setup).available
    on_gpu = OpenVino().available(setup.model_copy(update={"device": "cuda"}))
    assert "leave the device out" in on_gpu.detail
    no_cell = OpenVino().available(setup.model_copy(update={"precision": Precision.BF16}))
    assert "cpu/fp16" in no_cell.detail
