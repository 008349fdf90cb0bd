"""Instruments that the user names in `meters.yaml`, and its reference in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from typer.testing import CliRunner

from wattmark import registry
from wattmark.cli.main import app
from wattmark.contracts import MeterKind
from wattmark.errors import InputError, MeterError, UnknownNameError
from wattmark.metering import configured, selection
from wattmark.meters.node.device_http import HttpSettings
from wattmark.meters.node.node_settings import NodeSettings
from wattmark.planning.plans import check_plan, load_plan
from wattmark.quantities import Grade, Reason

REFERENCE = Path(__file__).parents[2] / "docs" / "meters-settings.md"
KINDS = ["http-json", "ipmi", "joulescope", "prometheus", "redfish"]


@pytest.fixture
def settings_file(tmp_path, monkeypatch):
    """Write a settings file of this text, and name it."""

    def write(text: str) -> Path:
        file = tmp_path / "meters.yaml"
        file.write_text(text)
        monkeypatch.setenv(configured.ENVIRONMENT, str(file))
        return file

    return write


@pytest.fixture
def lab(device, settings_file) -> Path:
    """A settings file with a plug that works, one that does not, and a controller's reading."""
    device.answers = {"/plug": {"apower": 150.0}, "/board": {"w": 140.0}}
    return settings_file(
        f"lab-plug: {{kind: http-json, url: '{device.url}/plug', path: apower, unit: W}}\n"
        f"lost-plug: {{kind: http-json, url: 'http://127.0.0.1:9/plug', path: a, unit: W}}\n"
        f"board: {{kind: http-json, url: '{device.url}/board', path: w, unit: W, grade: counted}}\n"
    )


def said(settings_file, text: str) -> str:
    settings_file(text)
    with pytest.raises(InputError) as raised:
        for name in configured.names():
            configured.meter(name)
    return str(raised.value)


# Where the file is.


def test_no_file_means_no_instrument():
    assert configured.names() == []
    assert configured.settings_file().name == "meters.yaml"


def test_an_empty_file_means_no_instrument(settings_file):
    settings_file("# none yet\n")
    assert configured.names() == []


def test_a_file_that_the_environment_names_must_be_there(monkeypatch, tmp_path):
    monkeypatch.setenv(configured.ENVIRONMENT, str(tmp_path / "nowhere.yaml"))
    with pytest.raises(InputError, match=r"nowhere\.yaml: there is no such file"):
        configured.names()


# What may be wrong with it.


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: {kind: [\n", "meters.yaml: line"),
        ("- a\n", "must be a mapping"),
        ("a: 3\n", "meters.yaml: a: must be a mapping"),
        ("a: {url: x}\n", "a: the key `kind` is missing; kinds: http-json, ipmi"),
        ("a: {kind: snmp}\n", "a: `kind` is not one that is installed; kinds: http-json, ipmi"),
        ("a: {kind: [x]}\n", "a: `kind` is not one"),
        ("a b: {kind: ipmi}\n", "a name has letters"),
        ("3 b: {kind: ipmi}\n", "a name has letters"),
        ("rapl: {kind: ipmi}\n", "rapl is an installed meter; give the instrument another name"),
        ("a: {kind: ipmi}\na: {kind: ipmi}\n", "'a' is given twice"),
        ("a: {kind: ipmi, host: x, host: y}\n", "'host' is given twice"),
        ("? [a, b]\n: {kind: ipmi}\n", "meters.yaml"),
        ("a: !!python/object/apply:os.system [ls]\n", "meters.yaml"),
        ("a: {kind: ipmi, hots: x}\n", "a: unknown key `hots`: did you mean `host`? known: kind"),
        ("a: {kind: prometheus, url: 'http://p'}\n", "the key `query` is missing: PromQL that"),
        ("a: {kind: ipmi, password: hunter2}\n", "unknown key `password`: did you mean `password_"),
        ("x" * (1 << 19), "larger than"),
        ("\x00", "not readable as YAML"),
    ],
)
def test_what_is_wrong_is_told_with_the_file_the_instrument_and_the_key(
    settings_file, text, wanted
):
    message = said(settings_file, text)
    assert wanted in message
    assert "hunter2" not in message


def test_an_unknown_name_comes_with_the_nearest_of_installed_and_configured(lab):
    with pytest.raises(UnknownNameError, match="did you mean 'lab-plug'"):
        selection.choose(["lab-plgu"])


# How they are chosen.


def test_a_configured_instrument_is_taken_by_name(lab):
    assert [m.name for m in selection.choose(["lab-plug", "modelled-cpu"])] == [
        "lab-plug",
        "modelled-cpu",
    ]
    with pytest.raises(MeterError, match="'lost-plug' cannot be used here"):
        selection.choose(["lost-plug"])


def test_by_default_the_best_for_the_node_is_taken_besides_the_others(lab):
    chosen = selection.choose()
    domains = [d for m in chosen for d in m.open(1).domains]
    for meter in chosen:
        meter.close()
    assert chosen[0].name == "lab-plug" and chosen[0].grade is Grade.METERED
    assert domains.count("node") == 1 and domains.count("cpu") == 1


def test_wrong_settings_stop_a_default_choice_and_not_a_named_one(settings_file):
    settings_file("a: {kind: ipmi, hots: x}\n")
    with pytest.raises(InputError, match="unknown key `hots`"):
        selection.choose()
    assert [m.name for m in selection.choose(["modelled-cpu"])] == ["modelled-cpu"]


def test_a_plan_may_name_them(lab):
    plan = {
        "name": "mine",
        "task": "text-classification",
        "model": "minilm-l6-sentiment",
        "setups": ["onnxruntime/basic/fp32"],
    }
    loaded = load_plan(plan | {"meters": ["lab-plug", "lost-plug"]})
    assert loaded.meters == ("lab-plug", "lost-plug")
    notes = [note for note in check_plan(loaded) if "meter" in note]
    assert len(notes) == 1 and notes[0].startswith("meter lost-plug cannot be used here")
    with pytest.raises(InputError, match="lab-plug"):
        load_plan(plan | {"meters": ["lab-plgu"]})


# What doctor shows.


def test_a_survey_has_the_configured_and_one_line_for_each_kind_that_is_not(lab):
    found = {s.name: s for s in selection.survey()}
    assert found["lab-plug"].info is not None
    assert found["lab-plug"].read_cost_s is not None
    assert found["lost-plug"].availability.reason is Reason.READ_FAILED
    assert "http-json" not in found  # it is configured
    for kind in set(KINDS) - {"http-json"}:
        availability = found[kind].availability
        assert (availability.available, availability.reason) == (False, Reason.NO_METER)
        assert f"{lab}: {registry.meter_kind(kind).example}" in availability.detail
    assert "pip install 'wattmark[joulescope]'" in found["joulescope"].availability.detail
    assert found["redfish"].grade is Grade.COUNTED


def test_a_survey_reports_wrong_settings_instead_of_raising(settings_file):
    settings_file("a: {kind: ipmi, hots: x}\nb: 3\n")
    found = {s.name: s.availability.detail for s in selection.survey(cost=False)}
    assert "unknown key `hots`" in found["a"]
    assert "must be a mapping" in found["b"]
    settings_file("a: [\n")
    assert "meters.yaml" in {s.name for s in selection.survey(cost=False)}


def test_names_are_those_of_installed_and_configured_meters(lab):
    assert {"lab-plug", "lost-plug", "board", "rapl", "nvml", "zeus"} <= set(selection.names())


def test_list_shows_them_with_their_grade(lab):
    shown = CliRunner().invoke(app, ["list", "meters"]).output
    assert "lab-plug  metered" in shown and "board  counted" in shown


# Kinds.


def test_all_kinds_are_found_by_entry_point():
    assert registry.names("meter_kind") == KINDS
    with pytest.raises(UnknownNameError, match="did you mean 'redfish'"):
        registry.meter_kind("redfisch")


@pytest.mark.parametrize("name", KINDS)
def test_the_example_of_each_kind_can_be_used(settings_file, name):
    kind = registry.meter_kind(name)
    assert isinstance(kind, MeterKind)
    settings_file(kind.example)
    (instrument,) = configured.names()
    meter = configured.meter(instrument)
    assert (meter.name, meter.grade) == (instrument, kind.settings.model_fields["grade"].default)


# The reference in the documentation.

MODELS: dict[str, type[BaseModel]] = {
    "Every kind": NodeSettings,
    "Every kind that is asked over HTTP": HttpSettings,
} | {name: registry.meter_kind(name).settings for name in KINDS}


def rows(model: type[BaseModel]) -> list[str]:
    """The rows of a model's own keys, as they stand in the reference."""
    shown = []
    for key, field in model.model_fields.items():
        if key == "kind" or key not in model.__annotations__:
            continue
        if field.is_required():
            default = "needed"
        elif key == "error":
            default = f"{field.default:.0%}"
        elif field.default is None or field.default == {}:
            default = ""
        elif isinstance(field.default, bool):
            default = f"`{str(field.default).lower()}`"
        elif isinstance(field.default, float):
            default = f"`{field.default:g}`"
        else:
            default = f"`{field.default}`"
        shown.append(f"| `{key}` | {default} | {field.description} |")
    return shown


@pytest.mark.parametrize("title", MODELS)
def test_the_reference_has_exactly_the_keys_of_the_models(title):
    section = REFERENCE.read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    written = [line for line in section.splitlines() if line.startswith("| `")]
    assert written == rows(MODELS[title])


def test_the_examples_of_the_reference_can_be_used(settings_file):
    blocks = REFERENCE.read_text().split("```yaml\n")[1:]
    text = "".join(block.split("```")[0] for block in blocks)
    settings_file(text)
    kinds = {yaml.safe_load(text)[name]["kind"] for name in configured.names()}
    assert kinds == set(KINDS)
    for name in configured.names():
        assert configured.meter(name).name == name
