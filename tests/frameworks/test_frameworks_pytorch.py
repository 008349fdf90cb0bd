from typing import Any

import numpy as np
import pytest
from tiny_models import TinyConvNet, TinyTransformer, reference_outputs

from wattmark.errors import ConversionError, FrameworkError, UnsupportedSetupError
from wattmark.frameworks.pytorch import PyTorch
from wattmark.protocol.conversion import compare, require_same_model

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _fresh_compiler():
    """A compiled setup forbids PyTorch to compile more: allow it again for other tests."""
    yield
    import torch

    torch.compiler.set_stance("default")
    torch.compiler.reset()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The tiny transformer, compiled for both of its buckets: (workspace, model)."""
    from wattmark.contracts import Workspace
    from wattmark.records import Setup

    model = TinyTransformer()
    out = tmp_path_factory.mktemp("compiled")
    setup = Setup(framework="pytorch", mode="compile", threads=1)
    space = Workspace(model, setup, out, shared=lambda key, build: out)
    PyTorch().prepare(space)
    return space, model


def test_compiled_programs_come_from_the_artefact_and_equal_the_reference(compiled):
    import torch
    from torch._dynamo.utils import counters

    space, model = compiled
    torch.compiler.reset()
    counters.clear()
    runner = PyTorch().load(space.out, model, space.setup, threads=1)
    assert counters["inductor"]["fxgraph_cache_hit"] == len(model.axes["length"])
    assert counters["inductor"]["fxgraph_cache_miss"] == 0

    queries = model.preprocess([3, 8, 11, 16])
    for query, expected in zip(queries, reference_outputs(model, queries), strict=True):
        np.testing.assert_allclose(runner(query), expected, atol=1e-5)


def test_a_wrong_weight_in_a_compiled_artefact_is_refused(compiled, tmp_path):
    import shutil

    from safetensors.torch import save_model

    space, model = compiled
    planted = tmp_path / "planted"
    shutil.copytree(space.out, planted)
    wrong = model.module()
    wrong.head.weight.data.neg_()
    save_model(wrong, str(planted / "weights.safetensors"))

    query = model.preprocess([8])[0]
    output = PyTorch().load(planted, model, space.setup, threads=1)(query)
    check = compare([output], reference_outputs(model, [query]), space.setup.precision)
    with pytest.raises(ConversionError):
        require_same_model(check)


def test_a_compiled_setup_refuses_a_shape_that_is_no_bucket(compiled):
    space, model = compiled
    runner = PyTorch().load(space.out, model, space.setup, threads=1)
    odd = {name: array[:, :5] for name, array in model.preprocess([8])[0].items()}
    with pytest.raises(RuntimeError, match="recompile"):
        runner(odd)


def test_without_a_compiler_the_message_says_what_to_install(workspace, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(FrameworkError, match=r"install g\+\+"):
        PyTorch().prepare(workspace(TinyTransformer(), "pytorch", "compile"))


def test_dynamic_int8_of_a_module_without_a_linear_layer_is_refused(workspace):
    class OnlyConvolutions(TinyConvNet):
        def module(self) -> Any:
            from torch import nn

            return nn.Conv2d(3, 4, 3).eval()

    space = workspace(OnlyConvolutions(), "pytorch", "eager", "int8-dynamic")
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
    class Tied(TinyTransformer):
        seed = 1

        def module(self) -> Any:
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

            torch.manual_seed(self.seed)
            net = Net().eval()
            net.norm.num_batches_tracked.fill_(self.seed)
            return net

    model, other = Tied(), Tied()
    other.seed = 2
    space = workspace(model, "pytorch", "eager")
    PyTorch().prepare(space)
    queries = model.preprocess([4])
    runner = PyTorch().load(space.out, other, space.setup, threads=1)
    assert np.array_equal(runner(queries[0]), reference_outputs(model, queries)[0])


def test_threads_are_limited_before_and_at_load(workspace):
    import torch

    space = workspace(TinyTransformer(), "pytorch", "eager")
    assert PyTorch().environment(space.setup, space.out, 1)["OMP_NUM_THREADS"] == "1"
    PyTorch().prepare(space)
    PyTorch().load(space.out, space.model, space.setup, threads=1)
    assert torch.get_num_threads() == 1


def test_the_compilers_cache_lies_in_the_artefact(tmp_path):
    from wattmark.records import Setup

    setup = Setup(framework="pytorch", mode="compile")
    variables = PyTorch().environment(setup, tmp_path, 2)
    assert variables["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "inductor")
