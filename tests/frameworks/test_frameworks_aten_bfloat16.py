"""Programs in bfloat16: what is computed in 8 bits of precision, and what must not be."""

from wattmark.frameworks.aten.bfloat16 import LARGEST, in_bfloat16
from wattmark.frameworks.aten.program import Node, Program, Ref, TensorType

LOWEST = -3.4028234663852886e38
MATRIX = TensorType("float32", (4, 4))


def node(name: str, op: str, *args: object, kind: TensorType = MATRIX, **kwargs: object) -> Node:
    return Node(f"%{name}", f"aten.{op}", args, kwargs, (kind,))


def narrowed(*nodes: Node, state: tuple[str, ...] = ()) -> tuple[Program, dict[str, str]]:
    """The program in bfloat16 of these nodes, whose last is the output, and its types."""
    inputs = {
        "x": MATRIX,
        "cache": MATRIX,
        "scale": TensorType("float32", (1,)),
        "place": TensorType("int64", (4, 4)),
    }
    outputs = (nodes[-1].name, *state)
    program = in_bfloat16(Program(inputs, {"w": MATRIX}, nodes, outputs), set(state))
    return program, {name: kind.dtype for name, kind in program.types().items()}


def test_layers_and_state_are_narrow_and_the_output_is_wide():
    program, types = narrowed(
        node("y", "mm.default", Ref("x"), Ref("w")),
        node("z", "add.Tensor", Ref("%y"), Ref("cache")),
        state=("cache",),
    )
    assert types["x"] == "float32"
    assert types["w"] == types["cache"] == types["%y"] == types["%z"] == "bfloat16"
    output, cache = program.outputs
    assert (types[output], cache) == ("float32", "cache")


def test_positions_stay_wide_until_they_meet_an_activation():
    program, types = narrowed(
        node("p", "_to_copy.default", Ref("place"), dtype="float32"),
        node("angle", "mul.Tensor", Ref("%p"), Ref("scale")),
        node("cos", "cos.default", Ref("%angle")),
        node("y", "mul.Tensor", Ref("%cos"), Ref("x")),
    )
    assert types["%p"] == types["%angle"] == types["%cos"] == "float32"
    assert types["%y"] == "bfloat16"
    for step in program.nodes:
        if step.op == "aten.mul.Tensor":
            assert {types[name] for name in step.refs()} == {types[step.name]}


def test_a_table_that_is_looked_up_is_narrow():
    _, types = narrowed(node("row", "embedding.default", Ref("w"), Ref("place")))
    assert types["w"] == types["%row"] == "bfloat16"


def test_a_weight_that_only_positions_read_is_wide():
    _, types = narrowed(
        node("p", "_to_copy.default", Ref("place"), dtype="float32"),
        node("angle", "mul.Tensor", Ref("%p"), Ref("w")),
    )
    assert types["w"] == types["%angle"] == "float32"


def test_numbers_beyond_the_range_saturate():
    program, _ = narrowed(
        node("low", "full.default", [4, 4], LOWEST, dtype="float32"),
        node("y", "add.Tensor", Ref("x"), Ref("%low")),
        node("z", "clamp.default", Ref("%y"), LOWEST),
    )
    (z,) = [step for step in program.nodes if step.name == "%z"]
    assert z.args[1] == -LARGEST
    clamps = [step.args for step in program.nodes if step.name == "%low/within"]
    assert clamps == [(Ref("%low"), -LARGEST, LARGEST)]


def test_a_mask_is_added_to_wide_scores():
    attention = "scaled_dot_product_attention.default"
    program, types = narrowed(
        node("mask", "full.default", [4, 4], LOWEST, dtype="float32"),
        node("y", attention, Ref("x"), Ref("x"), Ref("x"), attn_mask=Ref("%mask")),
    )
    (y,) = [step for step in program.nodes if step.name == "%y"]
    assert y.kwargs["attn_mask"] == Ref("%mask")
    assert types["%mask"] == "float32"
