"""JAX: the networks that it is given, in one jit for each size, without torch in the worker."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from captured_artefacts import (
    conversations,
    difference,
    load_in_a_fresh_process,
    loaded,
    prepared,
    short_cross_decoder,
    short_decoder,
    sorting,
    with_one_wrong_tensor,
)
from tiny_models import (
    Reference,
    TinyConvNet,
    TinyDecoder,
    TinyTransformer,
    reference_outputs,
    run_decoder,
    run_encoder_decoder,
)

from wattmark.contracts import Workspace
from wattmark.errors import FrameworkError, UnsupportedOpError
from wattmark.frameworks import support
from wattmark.frameworks.jax import Jax
from wattmark.records import Precision, Setup

pytestmark = pytest.mark.slow

SETUP = Setup(framework="jax", mode="jit")
#: bfloat16 keeps 8 bits: steps of 0.4 %, a few of which add up in these few layers
BF16_TOLERANCE = 0.02


@pytest.mark.parametrize("network", [TinyTransformer(), TinyConvNet()], ids=lambda n: n.name)
def test_outputs_equal_the_reference_and_a_wrong_weight_shows(network, tmp_path):
    folder = prepared(Jax(), network, tmp_path, "jit")
    queries = network.preprocess([3, 8, 11, 16])
    reference = reference_outputs(network, queries)
    runner = Jax().load(folder, network, SETUP, 1)
    ours = [runner(query) for query in queries]
    assert all(type(o) is np.ndarray and o.dtype == np.float32 for o in ours)
    assert difference(ours, reference) < 1e-5

    with_one_wrong_tensor(folder)
    runner = Jax().load(folder, network, SETUP, 1)
    assert difference([runner(query) for query in queries], reference) > 1e-2


@pytest.mark.parametrize(
    ("network", "batch", "precision", "tolerance"),
    [
        (TinyDecoder(), 1, "fp32", 1e-5),
        (short_decoder(2), 2, "fp32", 1e-5),
        (short_decoder(2), 2, "bf16", BF16_TOLERANCE),
    ],
)
def test_a_decoder_keeps_its_cache(network, batch, precision, tolerance, tmp_path):
    runner = loaded(Jax(), network, tmp_path, "jit", precision)
    for sizes, calls in conversations(network, batch):
        ours = run_decoder(runner, sizes, calls)
        assert all(o.dtype == np.float32 and o.shape == (batch, 50) for o in ours)
        assert difference(ours, run_decoder(Reference(network), sizes, calls)) < tolerance


def test_an_encoder_hands_its_state_to_a_decoder(tmp_path):
    networks = short_cross_decoder()
    encoder, decoder = (loaded(Jax(), network, tmp_path, "jit") for network in networks)
    sizes, calls = networks[1].conversations()[0]
    ours = run_encoder_decoder(encoder, decoder, sizes, calls)
    theirs = run_encoder_decoder(*map(Reference, networks), sizes, calls)
    assert difference(ours, theirs) < 1e-5


def test_state_stays_on_the_device_and_a_cache_is_written_in_place(tmp_path):
    import jax

    network = short_decoder()
    runner = loaded(Jax(), network, tmp_path, "jit", "bf16")
    sizes, (call, *_) = network.conversations()[0]
    before = {**runner.start(sizes), "passed_by": 7}
    where = before["cache_key_0"].unsafe_buffer_pointer()
    _, after = runner.step(call, before)
    assert after["passed_by"] == 7
    assert isinstance(after["cache_key_0"], jax.Array)
    assert after["cache_key_0"].dtype == "bfloat16"
    assert before["cache_key_0"].is_deleted()
    assert after["cache_key_0"].unsafe_buffer_pointer() == where


@pytest.mark.parametrize("network", [TinyTransformer(), TinyConvNet()], ids=lambda n: n.name)
def test_bfloat16_computes_in_bfloat16(network, tmp_path):
    queries = network.preprocess([3, 8, 11, 16])
    runner = loaded(Jax(), network, tmp_path, "jit", "bf16")
    ours = [runner(query) for query in queries]
    assert all(o.dtype == np.float32 for o in ours)
    assert 1e-5 < difference(ours, reference_outputs(network, queries)) < BF16_TOLERANCE


def test_prepare_compiles_and_load_does_not(tmp_path):
    from jax import monitoring

    folder = prepared(Jax(), TinyTransformer(), tmp_path, "jit")
    compiled = [path for path in (folder / "compiled").rglob("*") if path.is_file()]
    assert len(compiled) >= 2
    moved = folder.rename(folder.with_name("moved"))
    events: list[str] = []
    monitoring.register_event_listener(lambda event, **_: events.append(event))
    Jax().load(moved, TinyTransformer(), SETUP, 1)
    assert events.count("/jax/compilation_cache/cache_hits") >= 2
    assert "/jax/compilation_cache/cache_misses" not in events
    assert len([p for p in (moved / "compiled").rglob("*") if p.is_file()]) == len(compiled)


def test_an_unknown_shape_is_refused(tmp_path):
    runner = loaded(Jax(), TinyConvNet(), tmp_path, "jit")
    with pytest.raises(FrameworkError, match=r"\(1, 3, 9, 9\).*there are.*\(1, 3, 32, 32\)"):
        runner({"image": np.zeros((1, 3, 9, 9), np.float32)})


def test_an_unknown_operator_is_named_when_preparing(workspace: Callable[..., Workspace]):
    with pytest.raises(UnsupportedOpError, match=r"JAX.*aten\.sort\.default"):
        Jax().prepare(workspace(sorting(), "jax", "jit"))


def test_a_worker_does_not_import_torch(tmp_path):
    folder = prepared(Jax(), TinyConvNet(), tmp_path, "jit")
    load_in_a_fresh_process(folder, "jax", "Jax", "jit")


def test_one_thread_is_asked_of_xla(tmp_path: Path) -> None:
    variables = Jax().environment(SETUP, tmp_path, 1)
    assert variables["JAX_PLATFORMS"] == "cpu"
    assert "multi_thread_eigen=false" in variables["XLA_FLAGS"]
    assert "XLA_FLAGS" not in Jax().environment(SETUP, tmp_path, 2)


def test_a_cell_is_available_or_says_why_not(monkeypatch):
    def detail(**fields):
        found = Jax().available(SETUP.model_copy(update=fields))
        assert found.available is (found.reason is None)
        return found.detail

    monkeypatch.setattr("wattmark.frameworks.jax.has_nvidia_gpu", lambda: False)
    assert detail() == detail(precision=Precision.BF16) == ""
    assert "jit/fp32, jit/bf16" in detail(precision=Precision.FP16)
    assert "no NVIDIA GPU" in detail(device="cuda")
    monkeypatch.setattr("wattmark.frameworks.jax.has_nvidia_gpu", lambda: True)
    assert "pip install 'jax[cuda13]'" in detail(device="cuda")
    monkeypatch.setattr(support, "is_installed", lambda name: name != "jaxlib")
    assert "jaxlib is not installed: pip install 'wattmark[jax]'" in detail()
