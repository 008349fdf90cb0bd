"""A plan loads, or its error says the file, the line, the key, what is wrong and what was meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from schema_files import schemas, write_schemas

from wattmark import registry
from wattmark.contracts import Availability
from wattmark.errors import InputError, UnknownNameError
from wattmark.planning import plans
from wattmark.planning.plans import check_plan, load_plan, packaged_plans, plan_schema
from wattmark.records import Plan, Precision, Setup

ROOT = Path(__file__).parents[2]

PLAN = """\
name: mine
task: text-classification
model: minilm-l6-sentiment
setups:
  - pytorch/eager/fp32
  - framework: openvino
    mode: cpu
    precision: int8-static
    threads: 1
"""


#: the packaged plans that are not suites (see test_suites)
SINGLE = [name for name in packaged_plans() if name not in ("all-tasks", "smoke")]


@pytest.fixture(autouse=True)
def instruments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of instruments, and what plans ask of them, without importing any."""
    models = {
        "minilm-l6-sentiment": "text-classification",
        "efficientnet-lite0": "image-classification",
    }
    names = {
        "task": ["image-classification", "text-classification"],
        "model": sorted(models),
        "framework": ["jax", "onnxruntime", "openvino", "pytorch", "tensorflow"],
        "scenario": ["single-stream"],
        "meter": ["modelled-cpu", "rapl"],
    }
    frameworks = {
        "pytorch": SimpleNamespace(
            name="pytorch",
            modes={"eager": (Precision.FP32, Precision.INT8_DYNAMIC)},
            devices=("cpu", "cuda"),
            packages=("pytest",),
            extra="torch",
            available=lambda setup: Availability(available=True),
        ),
        "openvino": SimpleNamespace(
            name="openvino",
            modes={"cpu": tuple(Precision)},
            devices=("cpu",),
            packages=("no-such",),
            extra="openvino",
        ),
    }

    def framework(name: str) -> Any:
        if name not in frameworks:
            raise ModuleNotFoundError(f"No module named {name!r}")
        return frameworks[name]

    probe = Availability(available=False, detail="no powercap here")
    monkeypatch.setattr(registry, "names", names.__getitem__)
    monkeypatch.setattr(registry, "model", lambda name, task="": SimpleNamespace(task=models[name]))
    monkeypatch.setattr(registry, "framework", framework)
    monkeypatch.setattr(registry, "meter", lambda _: SimpleNamespace(probe=lambda: probe))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str | bytes, name: str = "plan.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_no_plan_is_the_quickstart() -> None:
    plan = load_plan()
    assert plan.name == "quickstart"
    assert plan == load_plan("quickstart") == load_plan(ROOT / "plans" / "quickstart.yaml")
    assert plan.baseline_label == "pytorch/eager/fp32"
    assert len(plan.setups) == 10


@pytest.mark.parametrize("name", SINGLE)
def test_every_packaged_plan_loads_under_its_own_name(name: str) -> None:
    assert load_plan(name).name == name


def test_a_setup_is_written_short_or_in_full(write: Callable[..., Path]) -> None:
    plan = load_plan(write(PLAN))
    assert [s.label for s in plan.setups] == ["pytorch/eager/fp32", "openvino/cpu/int8-static/t1"]


def test_yaml_json_mappings_and_plans_give_the_same_plan(write: Callable[..., Path]) -> None:
    data = yaml.safe_load(PLAN)
    plan = load_plan(write(PLAN))
    assert load_plan(data) == plan
    assert load_plan(str(write(json.dumps(data), "plan.json"))) == plan
    assert load_plan(plan) == plan


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: mine", "nam: mine", "line 1: unknown key 'nam'"),
        ("threads:", "thread:", r"line 9: setups\[1\]: unknown key 'thread': .* 'threads'"),
        ("int8-static", "int8", r"line 8: setups\[1\]\.precision: unknown precision .*'int8-"),
        ("eager/fp32", "eager/fp23", r"line 5: setups\[0\]\.precision: .* mean 'fp32'"),
        ("eager/fp32", "eager/fp32/gpu", r"line 5: setups\[0\]\.device: unknown .*has cpu, cuda"),
        ("eager/fp32", "eager/fp32/cudda", r"line 5: setups\[0\]\.device: .* mean 'cuda'"),
        ("pytorch/", "pytroch/", r"line 5: setups\[0\]\.framework: .* mean 'pytorch'"),
        ("text-class", "test-class", "line 2: task: unknown task .* mean 'text-classification'"),
        ("minilm-l6", "minilm-l12", "line 3: model: .* mean 'minilm-l6-sentiment'"),
        ("name: mine", "name: mine\nscenario: offline", "line 2: scenario: .*single-stream"),
        ("name: mine", "name: mine\nmeters: [rapl, rpal]", r"line 2: meters\[1\]: .* 'rapl'"),
    ],
)
def test_an_unknown_name_comes_with_the_nearest(
    write: Callable[..., Path], old: str, new: str, message: str
) -> None:
    path = write(PLAN.replace(old, new, 1))
    with pytest.raises(InputError, match=message) as caught:
        load_plan(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, UnknownNameError)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: mine", "name: Not Good", "line 1: name: string should match pattern"),
        ("model: minilm-l6-sentiment\n", "", "line 1: model: is missing"),
        ("model: minilm-l6-sentiment", "model: efficientnet-lite0", "line 3: model: .* is a model"),
        ("name: mine", "name: mine\nsamples: 0", "line 2: samples: .* greater .*, not 0"),
        ("name: mine", "name: mine\nsamples: no", "line 2: samples: .* integer.*, not 'no'"),
        ("name: mine", "name: mine\nbudget_s: inf", "line 2: budget_s: must be a finite"),
        ("name: mine", "name: mine\nbaseline: jax/jit/fp32", "baseline jax/jit/fp32 is not among"),
        ("pytorch/eager/fp32", "pytorch/eager", r"line 5: setups\[0\]: .* not of the form"),
        ("pytorch/eager/fp32", "17", r"line 5: setups\[0\]: 17 is not a setup"),
        ("pytorch/eager/fp32", "openvino/cpu/int8-static/t1", "listed twice"),
        ("eager", "../eager", "not understood"),
        ("mode: cpu", "mode: a/b", r"line 7: setups\[1\]\.mode: 'a/b' cannot be a mode"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    write: Callable[..., Path], old: str, new: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_plan(write(PLAN.replace(old, new, 1)))


def test_all_problems_are_told_at_once(write: Callable[..., Path]) -> None:
    broken = PLAN.replace("name:", "title:").replace("int8-static", "int9")
    with pytest.raises(InputError) as caught:
        load_plan(write(broken))
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("plan.yaml: 3 problems")
    assert "line 1: name: is missing" in lines[1]
    assert "line 1: unknown key 'title'" in lines[2]
    assert "line 8: setups[1].precision: unknown precision 'int9'" in lines[3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [mine\ntask: x", "line 2, column"),
        ("name: mine\nname: yours", "line 2: key 'name' is given twice"),
        ("name: mine\n\ttask: x", "line 2, column 1"),
        ("name: !!python/object:os.system mine", "line 1, column 7: tags"),
        ("name: &a mine\ntask: *a", "aliases"),
        ("a: &a [*a]", "aliases"),
        ("? [a]\n: b", "a key must be a word"),
        ("a: 1\n---\na: 2", "line 2"),
        ("", "the file is empty"),
        ("just words", "a plan consists of .key: value. lines, and this is 'just words'"),
        ("[" * 5000, "nested too deeply"),
        ("[" * 30 + "]" * 30, "nested too deeply"),
        ("name: \x00", "not readable as YAML"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"#" * (plans.MAX_BYTES + 1), "larger than 256 KiB"),
    ],
)
def test_text_that_is_no_plan_is_refused(
    write: Callable[..., Path], text: str | bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_plan(write(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": }', "line 1, column 10"),
        ('{"name": "a", "name": "b"}', "'name' is given twice"),
        ('{"budget_s": Infinity}', "Infinity is not a number"),
        ("[" * 100_000, "not readable as JSON"),
        ('{"samples": ' + "9" * 5000 + "}", "not readable as JSON"),
    ],
)
def test_json_that_is_no_plan_is_refused(
    write: Callable[..., Path], text: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_plan(write(text, "plan.json"))


def test_yaml_words_are_not_taken_for_dates_or_booleans(write: Callable[..., Path]) -> None:
    assert load_plan(write(PLAN.replace("mine", "2026-01-01"))).name == "2026-01-01"
    assert load_plan(write(PLAN.replace("mine", "no"))).name == "no"


def test_a_plan_that_is_not_there_comes_with_the_nearest(write: Callable[..., Path]) -> None:
    path = write(PLAN, "my-plan.yaml")
    with pytest.raises(InputError, match=r"did you mean .*my-plan\.yaml"):
        load_plan(path.with_name("myplan.yaml"))
    with pytest.raises(InputError, match="did you mean quickstart"):
        load_plan("quikstart")
    with pytest.raises(InputError, match="File name too long"):
        load_plan("x" * 5000)
    with pytest.raises(InputError, match="there is no plan file"):
        load_plan("a\x00b")
    with pytest.raises(InputError, match="there is no plan file"):
        load_plan(path.parent)


def test_a_setup_that_its_framework_lacks_loads_and_is_noted() -> None:
    labels = ["pytorch/eager/fp32", "pytorch/xla/fp32", "pytorch/eager/bf16", "openvino/cpu/fp32"]
    plan = load_plan({**yaml.safe_load(PLAN), "setups": [*labels, "jax/jit/fp32"]})
    notes = [note for note in check_plan(plan) if not note.startswith("quality: ")]
    assert notes[0].startswith("5 setups of minilm-l6-sentiment on text-classification")
    assert [note.split(": ")[0] for note in notes[1:]] == [*labels[1:], "jax/jit/fp32"]
    assert "has no mode 'xla', only eager" in notes[1]
    assert "does not do bf16, only fp32, int8-dynamic" in notes[2]
    assert "not installed: no-such; pip install 'wattmark[openvino]'" in notes[3]
    assert "cannot be imported" in notes[4]


def test_a_device_that_its_framework_lacks_loads_and_is_noted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plans, "is_installed", lambda name: True)
    plan = load_plan({**yaml.safe_load(PLAN), "setups": ["openvino/cpu/fp32/cuda"]})
    quality, note = check_plan(plan)[1:]
    assert quality.startswith("quality: the smallest loss")
    assert "openvino has no device 'cuda', only cpu; this trial will fail" in note


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        ("jax/jit/fp8-e4m3/tpu", ("unknown precision 'fp8-e4m3'", "unknown device 'tpu'")),
        ("vk/shader/fp8-e4m3/vulkan", ()),
        ("vk/shader/fp8-e5m3/vulkan", ("mean 'fp8-e4m3'",)),
        ("vk/shader/fp8-e4m3/vulcan", ("mean 'vulkan'",)),
        (
            "pytorch/eager/fp8-e4m3",
            ("'fp8-e4m3'", "pytorch has fp32, int8-dynamic"),
        ),
    ],
)
def test_a_framework_brings_precisions_and_devices_that_are_its_own(
    monkeypatch: pytest.MonkeyPatch, setup: str, said: tuple[str, ...]
) -> None:
    vulkan = SimpleNamespace(modes={"shader": ("fp8-e4m3",)}, devices=("vulkan",))
    known, names = registry.framework, registry.names
    monkeypatch.setattr(registry, "framework", lambda n: vulkan if n == "vk" else known(n))
    monkeypatch.setattr(registry, "names", lambda k: [*names(k), *(["vk"] * (k == "framework"))])
    mapping = {**yaml.safe_load(PLAN), "setups": [setup]}
    if not said:
        assert load_plan(mapping).setups[0].label == setup
        return
    with pytest.raises(InputError) as caught:
        load_plan(mapping)
    assert all(part in str(caught.value) for part in said), caught.value


def test_a_name_of_the_open_kind_is_written_so_that_labels_and_folders_can_hold_it() -> None:
    assert Precision("fp8-e4m3") == "fp8-e4m3" != Precision.FP32
    assert Precision("fp8-static").calibrated and not Precision("fp8-static").exact_weights
    for wrong in ("fp8/e4m3", "<b>", "FP8", "../fp8", "", "f" * 41):
        with pytest.raises(ValidationError):
            Setup(framework="a", mode="b", precision=wrong)
    for wrong in ("t4", "w2", "x", "a/b", "vulkan.", "GPU", "d" * 41):
        with pytest.raises(ValidationError):
            Setup(framework="a", mode="b", device=wrong)


def test_what_the_machine_lacks_is_noted() -> None:
    changes = {"setups": ["pytorch/eager/fp32/t9999"], "cpus": [9999], "meters": ["rapl"]}
    notes = check_plan(load_plan({**yaml.safe_load(PLAN), **changes, "samples": 5}))
    told = "\n".join(notes)
    for part in ("[9999] cannot be used", "9999 threads on", "no powercap here", "no query"):
        assert part in told


KEYS = st.sampled_from([*Plan.model_fields, "framework", "mode", "precision"]) | st.text()
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["pytorch/eager/fp32", "text-classification", "minilm-l6-sentiment"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(changes=st.dictionaries(KEYS, VALUES, max_size=5))
@example(changes={"setups": ["a/b/fp32/t²"]})
@example(changes={"name": "\ud800"})
@example(changes={"setups": [{"framework": "pytorch", "mode": "\ud800"}]})
def test_any_mapping_is_a_plan_or_a_plan_error(changes: dict[str, Any]) -> None:
    try:
        plan = load_plan({**yaml.safe_load(PLAN), **changes})
    except InputError as error:
        assert str(error)
    else:
        assert isinstance(plan, Plan)
        assert load_plan(plan.model_dump(mode="json")) == plan


@settings(
    derandomize=True,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    content=st.binary()
    | st.text(alphabet="ab:-[]{}!&*|>'\"#%@,?\n\t 01.~<", max_size=60).map(str.encode)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | st.tuples(st.integers(0, len(PLAN)), st.text(max_size=8)).map(
        lambda cut: (PLAN[: cut[0]] + cut[1] + PLAN[cut[0] :]).encode(errors="surrogatepass")
    ),
    suffix=st.sampled_from([".yaml", ".json"]),
)
def test_any_file_is_a_plan_or_a_plan_error(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"plan{suffix}"
    path.write_bytes(content)
    try:
        assert isinstance(load_plan(path), Plan)
    except InputError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize("name", sorted(schemas()))
def test_committed_schemas_are_what_the_code_generates(name: str, tmp_path: Path) -> None:
    write_schemas(tmp_path)
    committed = ROOT / "schema" / name
    assert committed.read_text() == (tmp_path / name).read_text(), "run: make docs"
    jsonschema.Draft202012Validator.check_schema(json.loads(committed.read_text()))


def test_the_plan_schema_accepts_what_loads_and_says_what_keys_mean() -> None:
    validator = jsonschema.Draft202012Validator(plan_schema())
    for name in SINGLE:
        validator.validate(yaml.safe_load((plans.PACKAGED / f"{name}.yaml").read_text()))
    validator.validate(yaml.safe_load(PLAN))
    assert validator.is_valid({**yaml.safe_load(PLAN), "setups": ["a/b/fp8-e4m3/vulkan/b8/w2.5"]})
    for wrong in ("pytorch/eager/FP32", "pytorch/eager/fp32/T1", "pytorch/eager", 17):
        assert not validator.is_valid({**yaml.safe_load(PLAN), "setups": [wrong]})
    assert plan_schema()["properties"]["budget_s"]["description"].startswith("time for measuring")


def test_the_plan_in_a_reports_commands_is_the_plan_of_the_run(tmp_path):
    from types import SimpleNamespace

    from wattmark.workflows.run_reports import reproduce

    plan = load_plan("quickstart")
    command = reproduce(SimpleNamespace(plan=plan))[0]
    path = tmp_path / "plan.json"
    path.write_text(command.split("\n", 1)[1].rsplit("\n", 1)[0])
    again = load_plan(path)
    assert again.model_copy(update={"baseline": None}) == plan
    assert again.baseline_label == plan.baseline_label
