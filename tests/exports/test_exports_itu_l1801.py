"""The sheet of ITU-T L.1801: training and inference apart, and every omission declared."""

from __future__ import annotations

from dataclasses import replace

from subjects import EVERYTHING, LITTLE

from wattmark.exports import Subject, export
from wattmark.quantities import Quantity

OPEN = "*Left open.*"


def sections(of: Subject) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for part in export(of, "itu-l1801").text.split("\n## ")[1:-1]:
        title, *lines = part.splitlines()
        points = (x.removeprefix("- **").split("**: ") for x in lines if x.startswith("- **"))
        found[title] = [(name, text) for name, text in points]
    return found


def test_every_part_has_its_figures() -> None:
    found = sections(EVERYTHING)
    inference = found.pop("Inference, a query")
    assert inference[:3] == [
        ("Energy of the facility", "67 [27, 167] uWh/query (modelled)"),
        ("CO2e of electricity, location-based", "3.3 [1.3, 8.3] ug/query (modelled)"),
        ("Water", "140 [60, 350] nL/query (modelled)"),
    ]
    assert [name for name, _ in inference[3:]] == [
        "Minerals of electricity (ADPe)",
        "Primary energy of electricity",
    ]
    assert found == {
        "Functional unit": [("functional unit", "one query: a query")],
        "Training": [
            ("energy", "534.7 kWh (modelled)"),
            ("greenhouse gases", "26.74 kg (modelled)"),
        ],
        "Hardware: making it, allocated to a query": [
            ("CO2e embodied", "24.94 [24.45, 25.45] ug/query"),
            ("Minerals embodied (ADPe)", "0.2494 [0.2445, 0.2545] ngSb/query"),
            ("Primary energy embodied", "0.2494 [0.2445, 0.2545] J/query"),
        ],
        "End of life": [("greenhouse gases", OPEN)],
        "Data preparation, storage, network and the user's device": [
            ("outside the boundary", OPEN)
        ],
        "Facts": [],
    }


def test_omissions_are_declared_even_where_everything_is_known() -> None:
    made = export(EVERYTHING, "itu-l1801")
    assert made.omissions == (
        "training: water and minerals: only its energy is described",
        "greenhouse gases: no source has it",
        "outside the boundary: what was measured is one machine while it answers",
    )
    assert made.text.split("## Omissions\n\n")[1].splitlines() == [
        f"- {omission}" for omission in made.omissions
    ]


def test_without_place_devices_and_training_all_of_it_is_open() -> None:
    found = sections(LITTLE)
    assert found["Training"] == [("energy", OPEN), ("greenhouse gases", OPEN)]
    assert {text for _, text in found["Hardware: making it, allocated to a query"]} == {OPEN}
    assert len(export(LITTLE, "itu-l1801").omissions) == 12


def test_generated_tokens_are_part_of_the_functional_unit() -> None:
    use = replace(EVERYTHING.impact.use, tokens=Quantity.exact(40.0, "token/query"))
    of = replace(EVERYTHING, impact=replace(EVERYTHING.impact, use=use))
    assert sections(of)["Functional unit"][1] == ("generated tokens a query", "40 token/query")
    told = "input and reasoning tokens: not counted apart in this result"
    assert told in export(of, "itu-l1801").omissions
