"""ONNX Runtime and OpenVINO pass state from call to call, in every precision."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import (
    Reference,
    TinyCrossDecoder,
    TinyDecoder,
    TinyEncoder,
    run_decoder,
    run_encoder_decoder,
)

from wattmark.contracts import Inputs, Network, State, Workspace
from wattmark.frameworks.onnxruntime import DeviceState, OnnxRuntime
from wattmark.frameworks.openvino import OpenVino
from wattmark.records import Precision, Setup
from wattmark.worker.conversion import compare, require_same_model

pytestmark = pytest.mark.slow

SETUPS = [(f, precision) for f in (OnnxRuntime, OpenVino) for precision in f.modes["cpu"]]


class Recorder(Reference):
    """The reference, which keeps what it was called with: calibration inputs."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.calls: list[Inputs] = []

    def step(self, inputs: Inputs, state: State) -> tuple[np.ndarray, State]:
        self.calls.append({**inputs, **{s.name: state[s.name].numpy() for s in self.network.reads}})
        return super().step(inputs, state)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all tests, so that each network is exported once."""
    return tmp_path_factory.mktemp("exports")


@pytest.fixture
def loaded(exports: Path, tmp_path: Path) -> Callable[..., Any]:
    """A network prepared and loaded with a framework."""

    def load(
        framework: type, network: Network, precision: str, calibration: Sequence[Inputs] = ()
    ) -> Any:
        def shared(key: str, build: Callable[[Path], None]) -> Path:
            folder = exports / type(network).__name__ / str(network.inputs[0].shape[0]) / key
            if not folder.exists():
                folder.mkdir(parents=True)
                build(folder)
            return folder

        out = tmp_path / type(network).__name__
        out.mkdir()
        setup = Setup(framework=framework.name, mode="cpu", precision=Precision(precision))
        framework().prepare(Workspace(network, setup, out, shared, calibration))
        return framework().load(out, network, setup, threads=1)

    return load


@pytest.mark.parametrize(("framework", "precision"), SETUPS)
def test_a_decoder_with_a_cache_gives_the_references_logits(framework, precision, loaded):
    network = TinyDecoder()
    reference = Recorder(network)
    expected = [o for c in network.conversations() for o in run_decoder(reference, *c)]
    decoder = loaded(framework, network, precision.value, reference.calls)
    ours = [o for c in network.conversations() for o in run_decoder(decoder, *c)]
    require_same_model(compare(ours, expected, precision))
    if precision.value.startswith("int4"):
        assert not compare(ours, expected, Precision.FP32).passed


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8-static"])
@pytest.mark.parametrize("framework", [OnnxRuntime, OpenVino])
def test_a_decoder_reads_what_an_encoder_wrote(framework, precision, loaded):
    networks = TinyEncoder(), TinyCrossDecoder()
    references = [Recorder(network) for network in networks]
    conversations = networks[1].conversations()
    expected = [o for c in conversations for o in run_encoder_decoder(*references, *c)]
    runners = [loaded(framework, r.network, precision, r.calls) for r in references]
    ours = [o for c in conversations for o in run_encoder_decoder(*runners, *c)]
    for of_encoder in (True, False):
        pairs = [
            p for i, p in enumerate(zip(ours, expected, strict=True)) if (i % 4 == 0) == of_encoder
        ]
        require_same_model(compare(*zip(*pairs, strict=True), Precision(precision)))


@pytest.mark.parametrize("framework", [OnnxRuntime, OpenVino])
def test_two_conversations_may_alternate(framework, loaded):
    network = TinyDecoder()
    decoder = loaded(framework, network, "fp32")
    sizes, calls = network.conversations()[1]
    others = [{**call, "input_ids": 49 - call["input_ids"]} for call in calls]
    alone = [run_decoder(decoder, sizes, c) for c in (calls, others)]
    states = [decoder.start(sizes), decoder.start(sizes)]
    for number, pair in enumerate(zip(calls, others, strict=True)):
        for i, call in enumerate(pair):
            output, states[i] = decoder.step(call, states[i])
            np.testing.assert_array_equal(output, alone[i][number])


@pytest.mark.parametrize("framework", [OnnxRuntime, OpenVino])
def test_a_batch_of_rows_at_different_places_equals_the_rows_alone(framework, loaded):
    network = TinyDecoder()
    sizes, calls = network.conversations()[1]
    late = [{**call, "start": call["start"] + 2} for call in calls]
    expected = [run_decoder(Reference(network), sizes, c) for c in (calls, late)]
    both = [{k: np.concatenate([a[k], b[k]]) for k in a} for a, b in zip(calls, late, strict=True)]
    decoder = loaded(framework, network.with_batch(2), "fp32")
    for output, *rows in zip(run_decoder(decoder, sizes, both), *expected, strict=True):
        np.testing.assert_allclose(output, np.concatenate(rows), rtol=0, atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_state_bound_to_a_device_gives_the_same(precision, loaded):
    network = TinyDecoder()
    on_host = loaded(OnnxRuntime, network, precision)
    bound = DeviceState(on_host._session, network, device="cpu")
    sizes, calls = network.conversations()[0]
    pairs = zip(run_decoder(bound, sizes, calls), run_decoder(on_host, sizes, calls), strict=True)
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours, theirs)


def test_half_precision_keeps_state_in_half_precision(loaded):
    network = TinyDecoder()
    decoder = loaded(OnnxRuntime, network, "fp16")
    sizes, calls = network.conversations()[0]
    state = decoder.start(sizes)
    output, after = decoder.step(calls[0], state)
    assert output.dtype == np.float32
    assert {array.dtype for array in (*state.values(), *after.values())} == {np.dtype("float16")}


def test_one_openvino_program_serves_all_sizes_where_weights_are_large(loaded, monkeypatch):
    monkeypatch.setattr("wattmark.frameworks.openvino.MAX_PROGRAM_BYTES", 1000)
    network = TinyDecoder()
    decoder = loaded(OpenVino, network, "fp32")
    assert len(set(map(id, decoder._programs._requests.values()))) == 1
    for conversation in network.conversations():
        ours = run_decoder(decoder, *conversation)
        expected = run_decoder(Reference(network), *conversation)
        require_same_model(compare(ours, expected, Precision.FP32))
