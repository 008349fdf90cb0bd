"""PyTorch eager and TorchScript; Inductor's two modes, which compile for long, have their own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tiny_models import (
    Reference,
    TinyConvNet,
    TinyCrossDecoder,
    TinyDecoder,
    TinyEncoder,
    TinyTransformer,
    reference_outputs,
    run_decoder,
    run_encoder_decoder,
)

from wattmark.contracts import Network, Workspace
from wattmark.errors import ConversionError, FrameworkError, UnsupportedSetupError
from wattmark.frameworks.pytorch import PyTorch
from wattmark.frameworks.torch_runners import reference_runners
from wattmark.records import Precision
from wattmark.worker.conversion import compare, require_same_model

pytestmark = pytest.mark.slow

MODES = ["eager", "torchscript"]
CELLS = [
    (mode, precision)
    for mode in MODES
    for precision in PyTorch.modes[mode]
    if precision is not Precision.FP16
]


@pytest.fixture
def loaded(workspace: Callable[..., Workspace]) -> Callable[..., Any]:
    """Prepare networks with a setup and load them: a runner each."""

    def load(mode: str, precision: str, *networks: Network) -> list[Any]:
        space = workspace(networks[0], "pytorch", mode, precision)
        runners = []
        for number, network in enumerate(networks):
            out = space.out / str(number)
            out.mkdir()
            PyTorch().prepare(replace(space, model=network, out=out))
            runners.append(PyTorch().load(out, network, space.setup, threads=1))
        return runners

    return load


@pytest.mark.parametrize(("mode", "precision"), CELLS)
def test_a_decoder_says_what_the_reference_says_at_every_size(mode, precision, loaded):
    network = TinyDecoder()
    (decoder,) = loaded(mode, precision, network)
    for sizes, calls in network.conversations():
        ours = run_decoder(decoder, sizes, calls)
        check = compare(ours, run_decoder(Reference(network), sizes, calls), precision)
        require_same_model(check)
        assert all(output.dtype == np.float32 for output in ours)
        assert (check.max_rel_difference > 1e-4) == (not precision.exact_weights)


@pytest.mark.parametrize(("mode", "precision"), CELLS)
def test_a_decoder_reads_what_the_encoder_wrote(mode, precision, loaded):
    networks = TinyEncoder(), TinyCrossDecoder()
    runners = loaded(mode, precision, *networks)
    for sizes, calls in networks[1].conversations():
        expected = run_encoder_decoder(*map(Reference, networks), sizes, calls)
        ours = run_encoder_decoder(*runners, sizes, calls)
        require_same_model(compare(ours[1:], expected[1:], precision))


@pytest.mark.parametrize(("mode", "precision"), CELLS)
def test_a_batch_is_answered_row_by_row(mode, precision, loaded):
    network = TinyTransformer()
    (batched,) = loaded(mode, precision, network.with_batch(3))
    queries = network.preprocess([5, 7, 8])
    joined = {name: np.concatenate([q[name] for q in queries]) for name in queries[0]}
    expected = np.concatenate(reference_outputs(network, queries))
    require_same_model(compare([batched(joined)], [expected], precision))


def test_the_reference_is_the_module_itself():
    networks = TinyEncoder(), replace(TinyCrossDecoder(), name="decode")
    runners = reference_runners(networks)
    for sizes, calls in networks[1].conversations():
        expected = run_encoder_decoder(*map(Reference, networks), sizes, calls)
        ours = run_encoder_decoder(runners["encode"], runners["decode"], sizes, calls)
        assert all(np.array_equal(a, b) for a, b in zip(ours, expected, strict=True))


def test_state_of_other_networks_passes_through_untouched(loaded):
    network = TinyDecoder()
    (decoder,) = loaded("eager", "fp32", network)
    sizes, calls = network.conversations()[0]
    other = object()
    _, state = decoder.step(calls[0], {**decoder.start(sizes), "other": other})
    assert state["other"] is other
    assert set(state) == {"other", *(spec.name for spec in network.writes)}


def test_state_has_the_precisions_own_type(loaded):
    import torch

    network = TinyDecoder()
    (decoder,) = loaded("eager", "bf16", network)
    sizes, calls = network.conversations()[0]
    _, state = decoder.step(calls[0], decoder.start(sizes))
    assert {tensor.dtype for tensor in state.values()} == {torch.bfloat16}


@pytest.mark.parametrize("mode", MODES)
def test_fewer_bits_make_a_smaller_artefact(mode, workspace):
    sizes = {}
    for precision in ("fp32", "bf16", "int8-weight-only", "int4-weight-only"):
        space = workspace(replace(TinyTransformer(), build=wide), "pytorch", mode, precision)
        PyTorch().prepare(space)
        sizes[precision] = sum(f.stat().st_size for f in space.out.iterdir()) / (1024 * 1024)
    # bytes a weight, and a little for names and programs
    assert sizes["fp32"] == pytest.approx(4, rel=0.05)
    assert sizes["bf16"] == pytest.approx(2, rel=0.05)
    assert sizes["int8-weight-only"] == pytest.approx(1, rel=0.1)
    assert sizes["int4-weight-only"] == pytest.approx(5 / 8, rel=0.1)


def test_a_traced_setup_refuses_a_shape_that_was_not_traced(loaded):
    network = TinyTransformer()
    (runner,) = loaded("torchscript", "fp32", network)
    odd = {name: array[:, :5] for name, array in network.preprocess([8])[0].items()}
    with pytest.raises(FrameworkError, match=r"no program.*\(1, 5\)"):
        runner(odd)


def test_a_traced_artefact_that_is_damaged_is_refused(workspace):
    space = workspace(TinyConvNet(), "pytorch", "torchscript")
    (space.out / "programs.pt").write_bytes(b"not a program")
    with pytest.raises(FrameworkError, match=r"programs\.pt does not hold"):
        PyTorch().load(space.out, space.model, space.setup, threads=1)


def test_a_wrong_weight_in_a_traced_artefact_is_refused(loaded):
    network = TinyTransformer()
    (runner,) = loaded("torchscript", "fp32", replace(network, build=wrong))
    queries = network.preprocess([8])
    check = compare([runner(queries[0])], reference_outputs(network, queries), Precision.FP32)
    with pytest.raises(ConversionError):
        require_same_model(check)


@pytest.mark.parametrize("precision", ["int8-dynamic", "int8-weight-only", "int4-weight-only"])
def test_a_network_with_nothing_to_quantise_is_refused(precision, workspace):
    space = workspace(replace(TinyConvNet(), build=convolution), "pytorch", "eager", precision)
    with pytest.raises(UnsupportedSetupError, match=r"nn\.Linear"):
        PyTorch().prepare(space)


def test_weights_that_do_not_fit_are_refused(workspace):
    space = workspace(TinyTransformer(), "pytorch", "eager")
    PyTorch().prepare(space)
    with pytest.raises(FrameworkError, match="do not fit"):
        PyTorch().load(space.out, TinyConvNet(), space.setup, threads=1)
    (space.out / "weights.safetensors").write_bytes(b"not weights")
    with pytest.raises(FrameworkError, match="do not fit"):
        PyTorch().load(space.out, space.model, space.setup, threads=1)


def test_tied_weights_and_integer_buffers_survive(workspace):
    network = replace(TinyTransformer(), build=lambda: tied(1))
    other = replace(TinyTransformer(), build=lambda: tied(2))
    space = workspace(network, "pytorch", "eager")
    PyTorch().prepare(space)
    queries = network.preprocess([4])
    runner = PyTorch().load(space.out, other, space.setup, threads=1)
    assert np.array_equal(runner(queries[0]), reference_outputs(network, queries)[0])


def test_threads_are_limited_before_and_at_load(workspace):
    import torch

    space = workspace(TinyTransformer(), "pytorch", "eager")
    assert PyTorch().environment(space.setup, space.out, 1)["OMP_NUM_THREADS"] == "1"
    PyTorch().prepare(space)
    PyTorch().load(space.out, space.model, space.setup, threads=1)
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize("step", ["prepare", "load"])
def test_float32_is_not_left_to_tf32(step, workspace):
    import torch

    space = workspace(TinyConvNet(), "pytorch", "eager")
    PyTorch().prepare(space)
    torch.backends.cudnn.allow_tf32 = True  # PyTorch's default
    torch.backends.cuda.matmul.allow_tf32 = True
    if step == "prepare":
        PyTorch().prepare(space)
    else:
        PyTorch().load(space.out, space.model, space.setup, threads=1)
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def wrong() -> Any:
    """The tiny transformer with its head's sign turned."""
    net = TinyTransformer().module()
    net.head.weight.data.neg_()
    return net


def convolution() -> Any:
    from torch import nn

    return nn.Conv2d(3, 4, 3).eval()


def wide() -> Any:
    """One million weights in one layer."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(1, 1024)
            self.layer = nn.Linear(1024, 1024, bias=False)

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.layer(self.embedding(input_ids - input_ids).mean(1))

    return Net().eval()


def tied(seed: int) -> Any:
    """Embedding and output layer share their weight; the norm counts in an integer buffer."""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(100, 8)
            self.norm = nn.BatchNorm1d(8)
            self.decoder = nn.Linear(8, 100, bias=False)
            self.decoder.weight = self.embedding.weight

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.decoder(self.norm(self.embedding(input_ids).sum(1)))

    torch.manual_seed(seed)
    net = Net().eval()
    net.norm.num_batches_tracked.fill_(seed)
    return net
