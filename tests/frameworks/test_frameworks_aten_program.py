"""Capture, rewriting and storage of programs. The programs are run by numpy where they are run."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import TinyConvNet, TinyTransformer

from wattmark.errors import FrameworkError, UnsupportedOpError
from wattmark.frameworks.aten import artefact
from wattmark.frameworks.aten.channels_last import channels_last
from wattmark.frameworks.aten.program import Node, Program, Ref, TensorType, prune
from wattmark.frameworks.aten.simplify import simplify

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both small models, captured once."""
    folders = {}
    for model in (TinyTransformer(), TinyConvNet()):
        folders[model.name] = tmp_path_factory.mktemp(model.name)
        artefact.build(model, folders[model.name])
    return folders


def capture(
    forward: Any, outputs: int = 1, **inputs: np.ndarray
) -> tuple[Program, dict[str, np.ndarray]]:
    import torch

    from wattmark.frameworks.aten.capture import capture

    class Net(torch.nn.Module):
        def forward(self, *tensors: Any) -> Any:
            return forward(*tensors)

    return capture(Net(), inputs, outputs)


def ops(program: Program) -> list[str]:
    return [node.op for node in program.nodes]


IMAGE = TensorType("float32", (1, 2, 4, 4))


def chain(*nodes: tuple[str, tuple[Any, ...], TensorType], weights: Any = ()) -> Program:
    """A program whose nodes each read the one before; ``...`` in their arguments is its value."""
    made: list[Node] = []
    for op, args, result in nodes:
        before = Ref(made[-1].name if made else "x")
        filled = tuple(before if a is ... else a for a in args)
        made.append(Node(f"%{len(made)}", op, filled, {}, (result,)))
    types = {name: TensorType.of(array) for name, array in dict(weights).items()}
    return Program({"x": IMAGE}, types, tuple(made), (made[-1].name,))


def test_json_round_trips():
    argument = [Ref("x"), None, 1, True, "float32", float("-inf"), [float("inf")]]
    node = Node("%y", "op", (argument,), {"value": float("inf")}, (IMAGE, IMAGE))
    program = Program({"x": IMAGE}, {"w": IMAGE}, (node,), ("%y", "w"))
    text = json.dumps(program.to_json(), allow_nan=False)
    assert Program.from_json(json.loads(text)) == program


def test_captured_programs_are_read_back_as_written(captured, tmp_path):
    folder = captured["tiny-transformer"]
    programs, weights = artefact.read_programs(folder), artefact.read_weights(folder)
    artefact.write(list(programs), weights, tmp_path)
    assert artefact.read_programs(tmp_path) == programs
    assert {k: w.tobytes() for k, w in artefact.read_weights(tmp_path).items()} == {
        k: w.tobytes() for k, w in weights.items()
    }


def test_another_format_is_refused(tmp_path):
    (tmp_path / "programs.json").write_text('{"format": 0, "programs": []}')
    with pytest.raises(FrameworkError, match="prepare it again"):
        artefact.read_programs(tmp_path)


def test_buckets_share_their_weights(captured):
    folder = captured["tiny-transformer"]
    small, large = artefact.read_programs(folder)
    assert small.inputs["input_ids"].shape == (1, 8)
    assert large.inputs["input_ids"].shape == (1, 16)
    assert small.weights == large.weights
    assert set(artefact.read_weights(folder)) == set(small.weights)


def test_attention_stays_whole_and_nothing_dead_is_left(captured):
    program, _ = artefact.read_programs(captured["tiny-transformer"])
    found = ops(program)
    assert found.count("aten.scaled_dot_product_attention.default") == 1
    assert not {"aten.clone.default", "aten._assert_tensor_metadata.default"} & set(found)
    assert found[found.index("aten.gelu.default") - 1] == "aten.addmm.default"


def test_images_are_transposed_once_and_batch_norms_are_folded(captured):
    (program,) = artefact.read_programs(captured["tiny-convnet"])
    assert ops(program) == [
        "aten.permute.default",
        "channels_last.convolution",
        "aten.hardtanh.default",
        "channels_last.depthwise_convolution",
        "aten.hardtanh.default",
        "channels_last.convolution",
        "aten.add.Tensor",
        "channels_last.max_pool",
        "aten.mean.dim",
        "aten.view.default",
        "aten.addmm.default",
    ]
    assert program.nodes[1].kwargs["padding"] == [[0, 1], [0, 1]]


def test_type_promotion_is_written_out():
    def forward(x: Any, n: Any) -> Any:
        return (n + 0.5) * x + (n > 1.5)

    program, _ = capture(forward, x=np.zeros(3, np.float32), n=np.zeros(3, np.int64))
    types = program.types()
    for node in program.nodes:
        if node.op != "aten._to_copy.default":
            assert {types[name].dtype for name in node.refs()} == {"float32"}


def test_what_does_not_depend_on_inputs_is_computed_at_capture():
    import torch

    def forward(x: Any) -> Any:
        return x + torch.arange(4).float().cos() + torch.full((4,), 2.0)

    program, weights = capture(forward, x=np.zeros(4, np.float32))
    assert ops(program) == ["aten.add.Tensor", "aten.add.Tensor"]
    assert any(np.allclose(w, np.cos(np.arange(4))) for w in weights.values())


def test_a_weight_named_like_an_input_is_told_apart():
    import torch

    from wattmark.frameworks.aten.capture import capture

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.x = torch.nn.Parameter(torch.full((4,), 7.0))

        def forward(self, x: Any) -> Any:
            return x - self.x

    program, weights = capture(Net(), {"x": np.zeros(4, np.float32)})
    assert program.nodes[0].args == (Ref("x"), Ref("x#2"))
    assert weights["x#2"].tolist() == [7.0] * 4


def test_control_flow_is_refused_by_name():
    import torch

    def forward(x: Any) -> Any:
        return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,))

    with pytest.raises(UnsupportedOpError, match="true_graph"):
        capture(forward, x=np.zeros(4, np.float32))


def test_a_random_constant_is_not_frozen():
    import torch

    program, _ = capture(lambda x: x + torch.rand(4), x=np.zeros(4, np.float32))
    assert "aten.rand.default" in ops(program)


def test_a_module_of_another_number_of_outputs_is_refused():
    with pytest.raises(FrameworkError, match="2 outputs; it must give 1"):
        capture(lambda x: (x + 1, x + 2), x=np.zeros(4, np.float32))


def test_outputs_keep_their_order_and_may_be_inputs_and_weights():
    import torch

    def forward(x: Any, cache: Any) -> Any:
        cache.add_(1)  # in place: what the caller gave is not among what is returned
        return x + 1, cache, torch.ones(2), x, x + 1

    program, weights = capture(forward, 5, x=np.zeros(4, np.float32), cache=np.zeros(2, np.float32))
    first, cache, ones, x, again = program.outputs
    assert [program.nodes[-1].op, x] == ["aten.add.Tensor", "x"]
    assert {first, cache, again} <= {node.name for node in program.nodes}
    assert weights[ones].tolist() == [1, 1]


def images_twice(*outputs: str) -> tuple[Program, dict[str, np.ndarray]]:
    """A convolution, its batch norm and a pooling, of which some are outputs."""
    rng = np.random.default_rng(0)
    shapes = {"k": (2, 2, 3, 3), "w": (2,), "b": (2,), "m": (2,), "v": (2,)}
    weights = {name: rng.random(shape).astype(np.float32) for name, shape in shapes.items()}
    program = chain(
        (
            "aten.convolution.default",
            (..., Ref("k"), None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1),
            IMAGE,
        ),
        (
            "aten._native_batch_norm_legit_no_training.default",
            (..., *map(Ref, "wbmv"), 0.1, 1e-5),
            IMAGE,
        ),
        ("aten.relu.default", (...,), IMAGE),
        weights=weights,
    )
    return replace(program, outputs=outputs), weights


def test_a_convolution_that_is_an_output_keeps_its_values():
    program, weights = images_twice("%2", "%0")
    new, _ = artefact.rewritten(program, weights)
    assert ops(new).count("aten.mul.Tensor") == 1, "the batch norm must not be folded into it"
    types = new.types()
    assert [types[name].shape for name in new.outputs] == [IMAGE.shape, IMAGE.shape]

    folded, _ = artefact.rewritten(*images_twice("%2"))
    assert "aten.mul.Tensor" not in ops(folded)


def cache_write(index_of: Any, length: int = 2, batch: int = 2) -> Program:
    """A cache that takes ``length`` rows where ``index_of(start, torch.tensor)`` says."""
    import torch

    def forward(cache: Any, start: Any, rows: Any) -> Any:
        index = index_of(start, torch.tensor).expand(batch, 3, length, 4)
        return torch.scatter(cache, 2, index, rows)

    program, weights = capture(
        forward,
        cache=np.zeros((batch, 3, 8, 4), np.float32),
        start=np.zeros(batch, np.int64),
        rows=np.zeros((batch, 3, length, 4), np.float32),
    )
    return artefact.rewritten(program, weights)[0]


def consecutive(start: Any, tensor: Any) -> Any:
    return (start[:, None] + tensor([0, 1]))[:, None, :, None]


@pytest.mark.parametrize(
    ("index_of", "length", "batch"),
    [
        (consecutive, 2, 2),
        (lambda start, tensor: consecutive(start.view(1, 1, 1)[0, 0], tensor), 2, 1),
        (lambda start, tensor: start[:, None, None, None], 1, 2),
    ],
)
def test_a_scatter_of_consecutive_rows_becomes_a_write_of_rows(index_of, length, batch):
    node = cache_write(index_of, length, batch).nodes[-1]
    assert (node.op, node.args[0], node.args[3]) == ("rows.write", Ref("cache"), 2)


@pytest.mark.parametrize(
    "index_of",
    [
        lambda start, tensor: (start[:, None] + tensor([0, 2]))[:, None, :, None],
        lambda start, tensor: (start[:, None] + tensor([[0, 1], [0, 2]]))[:, None, :, None],
        lambda start, tensor: start[None, None, :, None],
        lambda start, tensor: (start + tensor([0, 1]))[:, None, None, None],
    ],
    ids=["every other row", "a batch entry of its own", "any two rows", "one row for all"],
)
def test_any_other_scatter_stays_a_scatter(index_of):
    assert cache_write(index_of).nodes[-1].op == "aten.scatter.src"


@pytest.mark.parametrize("table", ["jax", "graph", "compiled"])
@pytest.mark.parametrize("batch", [1, 2])
def test_a_write_of_rows_is_the_scatter_that_it_replaces(table, batch):
    import jax.numpy as jnp
    import tensorflow as tf

    from wattmark.frameworks.aten import jax_ops, tf_ops

    rng = np.random.default_rng(0)
    x, rows = (rng.random((batch, 3, n, 4)).astype(np.float32) for n in (8, 2))
    start = np.array([5, 0][:batch], np.int32)
    expected = x.copy()
    for entry, first in enumerate(start):
        expected[entry, :, first : first + 2] = rows[entry]
    tables = {"jax": jax_ops.OPS, "graph": tf_ops.OPS, "compiled": tf_ops.XLA_OPS}
    write = tables[table]["rows.write"]
    if table == "jax":
        written = write(*map(jnp.asarray, (x, start, rows)), 2)
    else:
        written = tf.function(lambda *a: write(*a, 2), jit_compile=table == "compiled")(
            *map(tf.constant, (x, start, rows))
        )
    np.testing.assert_array_equal(np.asarray(written), expected)


def test_a_module_that_cannot_be_exported_is_refused():
    def forward(x: Any) -> Any:
        return x + 1 if x.sum() > 0 else x

    with pytest.raises(FrameworkError, match=r"torch\.export cannot capture"):
        capture(forward, x=np.zeros(4, np.float32))


def test_a_batch_norm_elsewhere_becomes_a_product_and_a_sum():
    rng = np.random.default_rng(0)
    weights = {k: rng.random(2).astype(np.float32) for k in ("w", "b", "m", "v")}
    norm = (
        "aten._native_batch_norm_legit_no_training.default",
        (..., *map(Ref, "wbmv"), 0.1, 1e-5),
        IMAGE,
    )
    program, new = simplify(chain(norm, weights=weights), weights)
    assert ops(program) == ["aten.mul.Tensor", "aten.add.Tensor"]
    scale, shift = (new[node.args[1].name].ravel() for node in program.nodes)
    expected = weights["w"] / np.sqrt(weights["v"] + 1e-5)
    np.testing.assert_allclose(scale, expected, rtol=1e-6)
    np.testing.assert_allclose(shift, weights["b"] - weights["m"] * expected, rtol=1e-5)


def test_a_padding_that_is_not_zero_is_not_merged():
    kernel = {"w": np.ones((2, 2, 3, 3), np.float32)}
    wide = TensorType("float32", (1, 2, 6, 6))
    convolution = (
        "aten.convolution.default",
        (..., Ref("w"), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
        IMAGE,
    )
    for value, merged in ((0, True), (1.0, False)):
        pad = ("aten.constant_pad_nd.default", (..., [1, 1, 1, 1], value), wide)
        program, _ = simplify(chain(pad, convolution, weights=kernel), kernel)
        assert ("aten.constant_pad_nd.default" not in ops(program)) is merged


def test_permutations_that_undo_the_layout_vanish():
    """A ConvNeXt block: convolution, channels last by hand, something along them, and back."""
    kernel = {"w": np.ones((2, 1, 3, 3), np.float32)}
    convolution = (
        "aten.convolution.default",
        (..., Ref("w"), None, [1, 1], [[1, 1], [1, 1]], [1, 1], False, [0, 0], 2),
        IMAGE,
    )
    last = TensorType("float32", (1, 4, 4, 2))
    program = chain(
        convolution,
        ("aten.permute.default", (..., [0, 2, 3, 1]), last),
        ("aten._softmax.default", (..., -1, False), last),
        ("aten.permute.default", (..., [0, 3, 1, 2]), IMAGE),
        convolution,
        weights=kernel,
    )
    new, _ = channels_last(program, kernel)
    assert ops(new) == [
        "aten.permute.default",
        "channels_last.depthwise_convolution",
        "aten._softmax.default",
        "channels_last.depthwise_convolution",
        "aten.permute.default",
    ]


def test_prune_drops_what_the_output_does_not_need():
    nodes = tuple(Node(f"%{i}", "op", (Ref("x"), Ref(f"w{i}")), {}, (IMAGE,)) for i in range(2))
    weights = {f"w{i}": np.zeros(2, np.float32) for i in range(2)}
    program, kept = prune(Program({"x": IMAGE}, {}, nodes, ("%1",)), weights)
    assert [node.name for node in program.nodes] == ["%1"]
    assert list(kept) == list(program.weights) == ["w1"]


def test_integers_beyond_32_bits_saturate():
    wide = np.array([np.iinfo(np.int64).min, -1, 2**40], np.int64)
    assert artefact.narrow(wide).tolist() == [-(2**31), -1, 2**31 - 1]
    assert artefact.narrow(np.ones(2)).dtype == np.float32
