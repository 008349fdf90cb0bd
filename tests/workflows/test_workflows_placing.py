"""What a query used, and what a result is charged with: energy, and the making of devices."""

from __future__ import annotations

import pytest
from synthetic_run import BASELINE, MEASURED, make_result, make_run

from wattmark.impact import assess
from wattmark.impact.site import Site
from wattmark.records import Result, Run
from wattmark.records.reading import energy_per_query
from wattmark.workflows.placing import gpus_of, place, use_of, uses

THERE = ("NVIDIA L4", "NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-80GB")


def a_run(device: str, *domains: str, whole_node: bool | None = None) -> tuple[Run, Result]:
    """A run on a machine with three cards, whose result has energy of these domains."""
    made = make_result(BASELINE, *MEASURED[BASELINE])
    setup = made.trial.setup.model_copy(update={"device": device})
    energy = tuple(made.energy[0].model_copy(update={"domain": domain}) for domain in domains)
    trial = made.trial.model_copy(update={"setup": setup})
    result = made.model_copy(update={"energy": energy, "trial": trial})
    run = make_run([result])
    environment = run.environment.model_copy(update={"gpus": THERE})
    plan = run.plan.model_copy(update={"whole_node": whole_node})
    return run.model_copy(update={"environment": environment, "plan": plan}), result


@pytest.mark.parametrize(
    ("device", "domains", "used"),
    [
        ("cuda", ("cpu", "gpu:1"), THERE[1:2]),
        ("cpu", ("cpu",), ()),
        ("cpu", ("cpu", "gpu:0", "gpu:1", "gpu:2"), THERE),  # the whole node, or an older run
        ("cuda", ("node",), THERE),  # nobody says which
        ("cuda", ("cpu", "gpu"), THERE),  # no meter sees them
        ("cpu", ("node",), ()),
    ],
)
def test_the_accelerators_that_a_result_is_charged_with(
    device: str, domains: tuple[str, ...], used: tuple[str, ...]
) -> None:
    run, result = a_run(device, *domains)
    assert gpus_of(run, result) == used
    assert [use.gpus for use in uses(run).values()] == [used]


def test_a_plan_that_charges_the_whole_node_charges_all_accelerators() -> None:
    run, result = a_run("cpu", "node", whole_node=True)
    assert gpus_of(run, result) == THERE


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
