"""What is exported in these tests: the baseline of the synthetic run, with all or little known."""

from __future__ import annotations

from typing import Any

from synthetic_run import BASELINE, MEASURED, make_result, make_run

from wattmark.exports import Subject
from wattmark.impact import assess
from wattmark.impact.site import OwnDevice, Site
from wattmark.impact.training_file import Training
from wattmark.records import Result
from wattmark.workflows.placing import place, use_of

#: 1e21 FLOP at 40 % of 1e15 FLOP/s take 2.5e6 s; at 700 W and a PUE of 1.1 that is 534.72 kWh.
TRAINING = Training.parse(
    {
        "name": "by hand",
        "pue": 1.1,
        "region": "SE",
        "grid_carbon": 50.0,
        "hardware_used": "8 A100",
        "flops": {"flop": 1e21, "peak_flop_per_s": 1e15, "mfu": 0.4, "power_w": 700},
    },
    "training.yaml",
)
TRAINING_KWH = 2.5e6 * 700 / 3.6e6 * 1.1


def subject(
    *,
    site: Site | None = None,
    training: Training | None = None,
    run: dict[str, Any] | None = None,
    **result: Any,
) -> Subject:
    """The baseline's result; ``run`` and ``result`` change fields of the records."""
    return subject_of(make_result(BASELINE, *MEASURED[BASELINE], **result), site, training, run)


def subject_of(
    result: Result,
    site: Site | None = None,
    training: Training | None = None,
    run: dict[str, Any] | None = None,
) -> Subject:
    where = site or Site(region="FR")
    return Subject(
        run=make_run([result], **(run or {})),
        result=result,
        impact=assess(use_of(result), place(where)[0]),
        site=where,
        training=training,
    )


#: A thousand queries of 0.2 J, between 0.08 and 0.5, on a board of which all is declared.
EVERYTHING = subject(
    site=Site(
        region="FR",
        pue=1.2,
        grid_carbon=50.0,
        wue_site=0.1,
        wue_source=2.0,
        price="0.2EUR/kWh",
        devices=(
            OwnDevice(
                name="board",
                carbon_kg=100.0,
                adpe_kgsb=0.001,
                primary_energy_mj=1000.0,
                lifetime_years=5.0,
            ),
        ),
        utilisation=0.5,
    ),
    training=TRAINING,
)
#: How long a query keeps the machine, by its throughput; what of the board it wears.
BUSY_S = 17.1e-3 * 1.15
WORN = BUSY_S / (5 * 365 * 24 * 3600 * 0.5)
#: No place, no device, no training.
LITTLE = subject(site=Site())
