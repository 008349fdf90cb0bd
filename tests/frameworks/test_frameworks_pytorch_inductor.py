"""torch.compile and AOTInductor, each on an encoder and a decoder that run in one process."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import Reference, TinyCrossDecoder, TinyEncoder, run_encoder_decoder

from wattmark.contracts import Workspace
from wattmark.errors import ConversionError, FrameworkError
from wattmark.frameworks.pytorch import PyTorch
from wattmark.records import Precision, Setup
from wattmark.worker.conversion import compare, require_same_model

pytestmark = pytest.mark.slow

#: one size of each but the decoder's length: three programs, since each compiles for long
ENCODER = replace(TinyEncoder(), axes={"frames": (5,)})
DECODER = replace(TinyCrossDecoder(), axes={"length": (1, 4), "context": (16,), "frames": (5,)})
SIZES, CALLS = TinyCrossDecoder().conversations()[0]


@pytest.fixture(autouse=True)
def _fresh_compiler() -> Iterator[None]:
    """A compiled setup forbids PyTorch to compile more: allow it again for other tests."""
    yield
    import torch

    torch.compiler.set_stance("default")
    torch.compiler.reset()


@pytest.fixture(scope="module", params=["compile", "aotinductor"])
def prepared(request: pytest.FixtureRequest, tmp_path_factory: Any) -> tuple[Setup, Path]:
    """The setup, and a folder with an artefact for each network."""
    setup = Setup(framework="pytorch", mode=request.param, threads=1)
    folder = tmp_path_factory.mktemp(request.param)
    for network in (ENCODER, DECODER):
        out = folder / network.name
        out.mkdir()
        PyTorch().prepare(Workspace(network, setup, out, lambda key, build: folder))
    return setup, folder


def load(setup: Setup, folder: Path) -> list[Any]:
    return [PyTorch().load(folder / n.name, n, setup, threads=1) for n in (ENCODER, DECODER)]


def test_what_is_loaded_was_compiled_before_and_equals_the_reference(prepared):
    import torch
    from torch._dynamo.utils import counters

    setup, folder = prepared
    torch.compiler.reset()
    counters.clear()
    runners = load(setup, folder)
    assert counters["inductor"]["fxgraph_cache_hit"] == (3 if setup.mode == "compile" else 0)
    assert counters["inductor"]["fxgraph_cache_miss"] == 0

    expected = run_encoder_decoder(Reference(ENCODER), Reference(DECODER), SIZES, CALLS)
    for _ in range(2):  # nothing is left over from one query to the next
        ours = run_encoder_decoder(*runners, SIZES, CALLS)
        require_same_model(compare(ours[:1], expected[:1], Precision.FP32))
        require_same_model(compare(ours[1:], expected[1:], Precision.FP32))


def test_weights_are_stored_once_and_wrong_ones_are_refused(prepared, tmp_path):
    import shutil

    from safetensors.torch import save_model

    setup, folder = prepared
    planted = tmp_path / "planted"
    shutil.copytree(folder, planted)
    wrong = DECODER.module()
    wrong.head.weight.data.neg_()
    save_model(wrong, str(planted / DECODER.name / "weights.safetensors"))

    expected = run_encoder_decoder(Reference(ENCODER), Reference(DECODER), SIZES, CALLS)
    ours = run_encoder_decoder(*load(setup, planted), SIZES, CALLS)
    with pytest.raises(ConversionError):
        require_same_model(compare(ours[1:], expected[1:], Precision.FP32))


def test_a_shape_that_was_not_compiled_is_refused(prepared):
    setup, folder = prepared
    _, decoder = load(setup, folder)
    state = decoder.start(SIZES)
    odd = {**CALLS[1], "input_ids": CALLS[1]["input_ids"][:, :3]}
    with pytest.raises((RuntimeError, FrameworkError), match=r"recompile|no program"):
        decoder.step(odd, state)


def test_strides_of_an_input_do_not_matter(prepared):
    setup, folder = prepared
    encoder, _ = load(setup, folder)
    features = CALLS[0]["features"]
    turned = {"features": np.asfortranarray(features)}
    assert np.array_equal(encoder.step(turned, {})[0], encoder.step(CALLS[0], {})[0])


def test_the_compilers_cache_lies_in_the_artefact(tmp_path):
    for mode in ("compile", "aotinductor"):
        setup = Setup(framework="pytorch", mode=mode)
        variables = PyTorch().environment(setup, tmp_path, 2)
        assert variables["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "inductor")


def test_without_a_compiler_the_message_says_what_to_install(workspace, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(FrameworkError, match=r"install g\+\+"):
        PyTorch().prepare(workspace(ENCODER, "pytorch", "compile"))
