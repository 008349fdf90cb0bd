"""Published worked examples, each with its source, as test vectors."""

from __future__ import annotations

import pytest

from wattmark.impact import steps, training
from wattmark.impact.lifetime import queries_to_match, queries_to_save
from wattmark.quantities import Quantity
from wattmark.rating.model_class import memory_gb, model_class

ONE = Quantity.exact(1.0, "1")


def q(value: float, unit: str) -> Quantity:
    return Quantity.exact(value, unit)


def value(quantity: Quantity, unit: str) -> float:
    return quantity.to(unit).bounds()[1]


def test_embodied_carbon_of_an_hour_as_the_sci_specification_has_it() -> None:
    """SCI 1.0, embodied emissions: 1 000 kg over 4 years, one hour of the whole machine."""
    found = steps.embodied(q(1000, "kg"), q(1, "h"), q(4, "year"), share=ONE, utilisation=ONE)
    assert value(found, "g") == pytest.approx(28.5, abs=0.05)


def test_tokens_of_the_sci_for_ai_specification_without_its_slip() -> None:
    """SCI for AI, 9.1: 130 kg for 10^9 tokens are 130 g a million; 9.1.3 prints 0.13 g."""
    per_token = q(130, "kg") / q(1e9, "token")
    assert value(per_token * q(1e6, "token"), "g") == pytest.approx(130)


def test_googles_split_of_a_median_prompt() -> None:
    """arXiv 2508.15734: 0.24 Wh of 58 % accelerators, 25 % host, 10 % idle, 8 % overhead.

    The printed shares add up to 101 %, being rounded; the overhead is that of a PUE of 1.09.
    """
    shares = (58, 25, 10, 8)
    it_wh = 0.24 * sum(shares[:3]) / sum(shares)
    whole = steps.facility_energy(q(it_wh, "Wh"), q(1.09, "1"))
    assert value(whole, "Wh") == pytest.approx(0.24, rel=0.01)
    overhead = value(whole, "Wh") - it_wh
    assert overhead / 0.24 == pytest.approx(0.08, abs=0.005)


@pytest.mark.parametrize(
    ("trained_kwh", "query_kwh", "published"),
    [
        (59_257, 1.0e-4, 592_570_000),
        (28_879, 7.3e-5, 395_602_740),
        (18_133, 6.2e-5, 292_467_741),
        (11_048, 5.4e-5, 204_592_592),
    ],
    ids=["BLOOMz-7B", "BLOOMz-3B", "BLOOMz-1.7B", "BLOOMz-560M"],
)
def test_break_even_of_luccioni(trained_kwh: float, query_kwh: float, published: int) -> None:
    """arXiv 2311.16863, table 5: training and fine-tuning over the energy of an inference."""
    found = queries_to_match(q(trained_kwh, "kWh"), q(query_kwh, "kWh/query"))
    assert value(found, "query") == pytest.approx(published, rel=1e-6)


def test_training_of_gpt_3_as_patterson_has_it() -> None:
    """arXiv 2104.10350, table 4: 14.8 days on 10 000 V100 at 330 W, PUE 1.1, 0.429 kg/kWh."""
    machines = training.from_hardware(q(14.8 * 24, "h"), q(10_000, "1"), q(330, "W"))
    energy = machines * q(1.10, "1")
    assert value(energy, "MWh") == pytest.approx(1287, rel=0.003)
    assert value(energy * q(0.429, "kg/kWh"), "t") == pytest.approx(552, rel=0.003)


def test_training_of_bert_as_strubell_has_it() -> None:
    """arXiv 1906.02243, table 3: 79 h at 12 041.51 W, PUE 1.58, 0.954 lb/kWh: 1 438 lb."""
    machines = training.from_hardware(q(79, "h"), q(1, "1"), q(12_041.51, "W"))
    energy = machines * q(1.58, "1")
    assert value(energy, "kWh") == pytest.approx(1507, rel=0.003)
    assert value(energy * q(0.954, "lb/kWh"), "lb") == pytest.approx(1438, rel=0.003)


def test_operations_of_gpt_3() -> None:
    """arXiv 2005.14165, appendix D: 174 600 M parameters, 300 000 M tokens, 3.14e23 FLOP."""
    found = training.training_flop(q(174.6e9, "1"), q(300e9, "token"))
    assert value(found, "FLOP") == pytest.approx(3.14e23, rel=0.005)


def test_limits_of_the_ai_energy_scores_classes_with_the_width_counted_once() -> None:
    """Its documentation says 20 and 66; 66 thousand million at 16 bits do not fit 80 GB."""
    assert memory_gb(66e9) == pytest.approx(158.4)
    assert [model_class(n * 1e9) for n in (10, 10.1, 33, 34)] == ["A", "B", "B", "C"]


def test_a_new_model_pays_after_training_over_what_a_query_saves() -> None:
    found = queries_to_save(q(100, "kWh"), q(0.5, "Wh/query"), q(0.3, "Wh/query"))
    assert value(found, "query") == pytest.approx(500_000)
