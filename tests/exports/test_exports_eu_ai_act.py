"""The sheet of Annex XI: all its points in their order, the provider's left to the provider."""

from __future__ import annotations

from dataclasses import replace

from subjects import EVERYTHING, LITTLE, subject

from wattmark.exports import Subject, export
from wattmark.impact.training_file import Training


def points(of: Subject) -> list[tuple[str, str]]:
    lines = export(of, "eu-ai-act-annex-xi").text.split("## Omissions")[0].splitlines()
    found = (line.removeprefix("- **").split("**: ") for line in lines if line.startswith("- **"))
    return [(name, text) for name, text in found]


OPEN = "*Left open.*"
COMPUTE = "(d) computational resources used to train"
PROVIDERS = [
    "(b) acceptable use policies",
    "(c) date of release and methods of distribution",
    "(d) architecture",
    "(a) technical means for integration",
    "(b) design and training process",
    "(c) data used for training",
]


def test_every_point_stands_in_the_order_of_the_annex() -> None:
    assert points(EVERYTHING) == [
        ("(a) tasks the model is intended to perform", "text-classification"),
        ("(b) acceptable use policies", OPEN),
        ("(c) date of release and methods of distribution", OPEN),
        ("(d) architecture and number of parameters", "22713986 parameters"),
        ("(e) modality and format of inputs and outputs", "a query of the task"),
        ("(f) licence", "Apache-2.0"),
        ("(a) technical means for integration", OPEN),
        ("(b) design and training process", OPEN),
        ("(c) data used for training", OPEN),
        (f"{COMPUTE}: operations", "1.000e21 FLOP"),
        (f"{COMPUTE}: training time", OPEN),
        ("(e) energy consumption, training", "534.7 kWh (modelled)"),
        ("(e) how the energy of training was obtained", "by `flops`"),
        ("Energy of the machines", "56 [22, 139] uWh/query (modelled)"),
        ("Energy of the facility", "67 [27, 167] uWh/query (modelled)"),
        ("CO2e of electricity, location-based", "3.3 [1.3, 8.3] ug/query (modelled)"),
        ("CO2e embodied", "24.94 [24.45, 25.45] ug/query"),
    ]


def test_the_head_says_what_was_measured_where() -> None:
    text = export(EVERYTHING, "eu-ai-act-annex-xi").text
    assert text.startswith("# Technical documentation, EU AI Act, Annex XI, section 1\n\nModel ")
    assert (
        "Model minilm-l6-sentiment, setup pytorch/eager/fp32, run 20260101-120000-quickstart of "
        "2026-01-01, in France. Measured with wattmark 0.1.0" in text
    )


def test_what_is_open_is_listed_with_its_reason() -> None:
    made = export(EVERYTHING, "eu-ai-act-annex-xi")
    assert made.omissions == (
        *(f"{name}: for the provider to say" for name in PROVIDERS),
        f"{COMPUTE}: training time: training was not given by hours and devices",
    )
    listed = made.text.split("## Omissions\n\n")[1].splitlines()
    assert listed == [f"- {omission}" for omission in made.omissions]


def test_without_training_its_points_are_open() -> None:
    told = export(LITTLE, "eu-ai-act-annex-xi").omissions
    assert (COMPUTE, OPEN) in points(LITTLE)
    assert f"{COMPUTE}: give --training" in told
    assert "(e) energy consumption, training: give --training" in told
    assert "CO2e embodied: name the devices: --device, or devices in a site" in told


def test_training_by_hours_has_its_time_and_devices() -> None:
    hours = Training.parse(
        {"name": "h", "hardware": {"devices": 8, "hours": 100, "power_w": 700}}, "t.yaml"
    )
    of = replace(EVERYTHING, training=hours)
    found = dict(points(of))
    assert found[f"{COMPUTE}: time and devices"] == "100 h on 8 devices"
    assert found[f"{COMPUTE}: operations"] == OPEN
    assert found["(e) how the energy of training was obtained"] == "by `hardware`"


def test_a_model_without_parameters_leaves_its_size_open() -> None:
    model = EVERYTHING.run.model.model_copy(update={"parameters": None})
    made = export(subject(run={"model": model}), "eu-ai-act-annex-xi")
    size = "(d) architecture and number of parameters"
    assert f"{size}: the model does not say how many parameters it has" in made.omissions
    assert "(d) architecture: for the provider to say" not in made.omissions
