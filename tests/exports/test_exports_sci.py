"""SCI: (E x I) + M per query, and no score without M."""

from __future__ import annotations

import json

import pytest
from subjects import EVERYTHING, LITTLE, WORN, subject

from wattmark.exports import export

KWH = 0.2 / 3.6e6 * 1.2


def test_the_score_is_operational_and_embodied() -> None:
    document = json.loads(export(EVERYTHING, "sci").text)
    expected = {
        "E_kwh": KWH,
        "I_g_per_kwh": 50.0,
        "O_g": KWH * 50,
        "M_g": 100e3 * WORN,
        "SCI_g": KWH * 50 + 100e3 * WORN,
    }
    found = {name: document.pop(name) for name in expected}
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value, rel=1e-12), name
    assert found["E_kwh"] == {
        "value": found["E_kwh"]["value"],
        "low": pytest.approx(0.08 / 3.6e6 * 1.2),
        "high": pytest.approx(0.5 / 3.6e6 * 1.2),
        "level": 0.95,
    }
    assert document.pop("rules").startswith("location-based; market instruments are excluded")
    assert [fact["key"] for fact in document.pop("facts")] == [f.key for f in EVERYTHING.facts()]
    assert document == {
        "standard": "ISO/IEC 21031:2024, Software Carbon Intensity 1.0",
        "software": "minilm-l6-sentiment",
        "setup": "pytorch/eager/fp32",
        "run": "20260101-120000-quickstart",
        "place": "France",
        "phase": "inference",
        "boundary": "one machine while it answers, with its building (PUE); network and the user's "
        "device are outside",
        "functional_unit": "query",
        "omissions": [],
    }


def test_without_devices_the_score_is_null_and_the_operational_part_stands() -> None:
    made = export(subject(), "sci")
    bare = json.loads(made.text)
    told = "name the devices: --device, or devices in a site"
    assert bare["M_g"] == {"value": None, "reason": "not_given", "detail": told}
    assert bare["SCI_g"]["value"] is None and bare["O_g"]["value"] > 0
    assert made.omissions == (
        f"M: {told}",
        "SCI: without M it is no SCI; the operational part stands alone",
    )


def test_without_a_place_there_is_no_intensity() -> None:
    document = json.loads(export(LITTLE, "sci").text)
    assert document["place"] == "no place"
    assert document["E_kwh"]["value"] == pytest.approx(0.2 / 3.6e6)
    assert [document[name]["value"] for name in ("I_g_per_kwh", "O_g", "SCI_g")] == [None] * 3
    assert document["omissions"][0] == "I: give --region, or --provider and --zone"
