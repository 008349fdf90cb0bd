"""Models of the hub for pictures, converted: the same numbers in every framework."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from diffusers_folders import save_stable_diffusion
from hub_vision_folders import save_captioner, save_detector

from wattmark import registry
from wattmark.contracts import Model, Workspace
from wattmark.frameworks.torch_runners import reference_runners
from wattmark.records import Precision, Setup
from wattmark.worker.conversion import compare, require_same_model

pytestmark = pytest.mark.slow

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
CASES = {
    "yolos": ("object-detection", lambda f: save_detector(f, "yolos"), PIXELS),
    "captioner": ("image-captioning", save_captioner, PIXELS),
    "diffusion": ("image-generation", save_stable_diffusion, ("a dress", 3)),
}


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> Path:
    """One folder for all tests, so that each network is exported once."""
    return tmp_path_factory.mktemp("exports")


def runners(model: Model, case: str, framework: str, mode: str, exports: Path) -> dict[str, object]:
    """All networks of a model, prepared and loaded."""
    setup = Setup(framework=framework, mode=mode, precision=Precision.FP32)
    instrument = registry.framework(framework)
    loaded = {}
    for network in model.networks():

        def shared(key: str, build: Callable[[Path], None], name: str = network.name) -> Path:
            folder = exports / case / name / key
            if not folder.exists():
                folder.mkdir(parents=True)
                build(folder)
            return folder

        out = exports / case / network.name / framework
        out.mkdir(parents=True)
        instrument.prepare(Workspace(network, setup, out, shared))
        loaded[network.name] = instrument.load(out, network, setup, threads=1)
    return loaded


@pytest.mark.parametrize(
    ("case", "framework", "mode"),
    [
        ("yolos", "onnxruntime", "cpu"),
        ("yolos", "openvino", "cpu"),
        ("captioner", "onnxruntime", "cpu"),
        ("captioner", "openvino", "cpu"),
        ("diffusion", "onnxruntime", "cpu"),
        ("diffusion", "openvino", "cpu"),
    ],
)
def test_the_converted_model_is_the_same_model(case, framework, mode, exports):
    pytest.importorskip(framework)
    task, save, example = CASES[case]
    if not (folder := exports / f"{case}-model").exists():
        save(folder)
    model = registry.model(f"folder:{folder}", task)
    (query,) = model.preprocess([example])
    pipeline = model.pipeline({})
    reference = pipeline.probe(reference_runners(model.networks()), query)
    ours = pipeline.probe(runners(model, case, framework, mode, exports), query)
    require_same_model(compare([ours], [reference], Precision.FP32))
