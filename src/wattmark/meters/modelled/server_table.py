"""What servers of a processor's generation draw at the wall, from the table or a prior.

The table is of published results (`wattmark.metrology.server_power` says what they are worth);
``scripts/server_generations.py`` writes it. A generation without a table has a prior: the few
results that were found, else the thermal design power (TDP) of its largest processors per hardware
thread, which servers of the table draw 0.8 to 1.2 times as a whole. Its interval is wider.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from wattmark.machine.cpu_generation import generation
from wattmark.machine.cpu_info import CpuInfo
from wattmark.metrology.cpu_power import PowerModel
from wattmark.metrology.server_power import ARM, NEIGHBOUR, Figures, server_model

TABLE = Path(__file__).with_name("server_generations.json")

_SPEC = "SPECpower_ssj2008"

#: generation -> (W per hardware thread at full load, idle share, factors, where from). Results are
#: of SPECpower_ssj2008, 2022 to 2023 (https://www.spec.org/power_ssj2008/results/); TDP and threads
#: are those of the makers' data sheets.
_PRIORS = {
    "ivy-bridge": (7.4, 0.34, NEIGHBOUR, f"9 results of {_SPEC} that lie far apart"),
    "coffee-lake": (5.0, 0.20, NEIGHBOUR, f"9 results of {_SPEC} that lie far apart"),
    "zen4": (2.1, 0.16, NEIGHBOUR, f"3 results of {_SPEC} (EPYC 9654)"),
    "zen4c": (1.5, 0.20, NEIGHBOUR, "the TDP of an EPYC 9754 (360 W, 256 threads)"),
    "zen5": (2.1, 0.20, NEIGHBOUR, "the TDP of an EPYC 9755 (500 W, 256 threads)"),
    "zen5c": (1.4, 0.20, NEIGHBOUR, "the TDP of an EPYC 9965 (500 W, 384 threads)"),
    "sapphire-rapids": (
        *(4.2, 0.23, NEIGHBOUR),
        f"3 results of {_SPEC} (Xeon Platinum 8490H, Gold 6428N and 6421N)",
    ),
    "emerald-rapids": (3.9, 0.23, NEIGHBOUR, "its neighbours and the TDP of a Xeon 8592+"),
    "granite-rapids": (2.8, 0.23, NEIGHBOUR, "the TDP of Xeon 6980P and 6740P"),
    "sierra-forest": (2.5, 0.23, NEIGHBOUR, "the TDP of Xeon 6780E and 6710E"),
    "neoverse-n1": (1.95, 0.40, ARM, f"2 results of {_SPEC} (Altra Q64-30)"),
    "neoverse-v1": (2.0, 0.30, ARM, "Neoverse N1"),
    "neoverse-n2": (2.0, 0.30, ARM, "Neoverse N1"),
    "neoverse-v2": (2.0, 0.30, ARM, "Neoverse N1"),
    "ampereone": (2.0, 0.30, ARM, "Neoverse N1"),
}


@cache
def table(file: Path = TABLE) -> Figures:
    """The figures by generation that come with Wattmark."""
    return Figures.of(json.loads(file.read_text(encoding="utf-8")))


def generation_model(cpu: CpuInfo) -> tuple[PowerModel, str] | None:
    """The node's model of the processor's generation and its source; None where there is none."""
    its = generation(cpu)
    if its is None:
        return None
    known = table()
    if its.key in known.generations:
        servers = known.generations[its.key].servers
        return known.model(its.key), f"{its}: {servers} published results of {_SPEC} (SPEC)"
    thread_w, idle_share, factors, origin = _PRIORS[its.key]
    return server_model(thread_w, idle_share, factors, known.idle), f"{its}: a prior by {origin}"
