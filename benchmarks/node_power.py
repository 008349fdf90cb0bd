"""Does a server that the model has not seen lie within its interval, and how wide is that?

    python benchmarks/node_power.py specpower.csv

Leave one server out: medians and spread are reckoned without it, and its watts at idle, at half
and at full load are compared with the interval of the energy that the model gives. The file:
``scripts/server_generations.py``. Beside it the naive way, one constant and the interval of
"any machine" for a busy core, and a neighbour: each generation by the median of the one before.
"""

import math
import sys
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from server_generations import read_servers

from wattmark.metrology.cpu_power import DEFAULT_MODEL, PowerModel, modelled_energy
from wattmark.metrology.server_power import NEIGHBOUR, Server, figures, server_model

LOADS = (0.0, 0.5, 1.0)
THREADS = 8

#: generation -> the one before it of the same maker
BEFORE = {
    "zen2": "zen1",
    "zen3": "zen2",
    "broadwell": "haswell",
    "skylake": "broadwell",
    "cascade-lake": "skylake",
    "ice-lake": "cascade-lake",
}


def bounds(model: PowerModel, load: float) -> tuple[float, float, float]:
    """Watts per thread of THREADS threads at a load, over a second."""
    gross, _ = modelled_energy(load * THREADS, 1.0, THREADS, model)
    low, value, high = gross.bounds()
    return low / THREADS, value / THREADS, high / THREADS


class Row:
    """Coverage, width and error of a model at each load."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.held: dict[float, list[bool]] = {load: [] for load in LOADS}
        self.width: dict[float, list[float]] = {load: [] for load in LOADS}
        self.off: list[float] = []

    def add(self, server: Server, model: PowerModel) -> None:
        for load in LOADS:
            low, value, high = bounds(model, load)
            self.held[load].append(low <= server.power_w(load) <= high)
            self.width[load].append(high / low)
        self.off.append(abs(math.log(server.thread_w / value)))

    def __str__(self) -> str:
        cells = [
            f"{sum(v) / len(v):6.1%} {median(self.width[k]):5.2f}" for k, v in self.held.items()
        ]
        off = math.exp(sorted(self.off)[round(0.95 * (len(self.off) - 1))])
        return f"{self.name:<34}{len(self.off):>5}  {'   '.join(cells)}   x/÷ {off:.2f}"


def main() -> None:
    servers = read_servers(Path(sys.argv[1]))
    counted = figures(servers).generations
    servers = [server for server in servers if server.generation in counted]
    rows = {name: Row(name) for name in sorted(counted)}
    whole = Row("all")
    naive, neighbours = Row("naive: any machine's busy core"), Row("neighbour: the one before")
    for at, server in enumerate(servers):
        found = figures(servers[:at] + servers[at + 1 :])
        if server.generation not in found.generations:  # it was the eighth
            continue
        model = found.model(server.generation)
        for row in (rows[server.generation], whole):
            row.add(server, model)
        naive.add(server, DEFAULT_MODEL)
        if (before := BEFORE.get(server.generation)) is not None:
            its = counted[before]
            neighbours.add(
                server, server_model(its.thread_w, its.idle_share, NEIGHBOUR, found.idle)
            )
    head = "   ".join(f"{f'load {load:.0%}':>12}" for load in LOADS)
    print(f"{'held, and high/low (median)':<34}{'n':>5}  {head}   95 % off by, full load")
    for row in (*rows.values(), whole, neighbours, naive):
        if row.off:
            print(row)


if __name__ == "__main__":
    main()
