"""What a query used, as carbon, water and money are reckoned from it."""

from __future__ import annotations

import pytest
from synthetic_run import BASELINE, make_result

from wattmark.impact import assess
from wattmark.impact.site import Site
from wattmark.records.reading import energy_per_query
from wattmark.workflows.placing import place, use_of


def test_impact_is_of_the_node_where_it_is_modelled_beside_the_processor() -> None:
    """PUE is energy of the facility over that of IT equipment at its plugs, not of its packages."""
    result = make_result(BASELINE, 17.1, 1.0, 900)
    (cpu,) = result.energy
    node = cpu.model_copy(
        update={"meter": "modelled-node", "domain": "node", "per_query": cpu.per_query * 1.6}
    )
    both = result.model_copy(update={"energy": (cpu, node)})
    site = Site(pue=1.5, grid_carbon=100)
    found = assess(use_of(both), place(site)[0])
    it_j = found.line("energy_it").quantity.to("J/query").bounds()[1]
    assert it_j == pytest.approx(node.per_query.bounds()[1])
    assert energy_per_query(both) == node.per_query
    carbon_g = found.line("carbon_location").quantity.bounds()[1]
    assert carbon_g == pytest.approx(it_j * 1.5 * 100 / 3.6e6)
