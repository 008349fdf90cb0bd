"""Write the watts of servers by generation from published results of SPECpower_ssj2008.

    python scripts/server_generations.py specpower.csv

The file is not part of the project: SPEC publishes the results at
https://www.spec.org/power_ssj2008/results/ . One row a result, with the columns ``cpu``,
``architecture`` (as below), ``chips``, ``cores``, ``threads``, ``active_idle_w``, ``w_at_50pct``
and ``w_at_100pct``. Only medians and quantiles are written, to
``src/wattmark/meters/modelled/server_generations.json``.

Ivy Bridge and Coffee Lake are left out: the nine servers of each lie too far apart (from 5 to 17,
and from 3.3 to 7.8 W a thread) for their median to say anything at the spread of the others.
"""

import csv
import json
import re
import sys
from pathlib import Path

from wattmark.metrology.server_power import Server, figures

TABLE = Path(__file__).parents[1] / "src/wattmark/meters/modelled/server_generations.json"

ARCHITECTURES = {
    "epyc-gen1": "zen1",
    "epyc-gen2": "zen2",
    "epyc-gen3": "zen3",
    "epyc": "zen3",  # EPYC 7773X
    "sandybridge": "sandy-bridge",
    "haswell": "haswell",
    "broadwell": "broadwell",
    "skylake": "skylake",
    "cascadelake": "cascade-lake",
    "cooperlake": "cooper-lake",
    "icelake": "ice-lake",
    "kabylabe": "xeon-e3",
    "rocketlake": "rocket-lake",
}

SOURCE = {
    "title": "SPECpower_ssj2008, published results (servers available 2012 to 2022)",
    "publisher": "Standard Performance Evaluation Corporation (SPEC)",
    "url": "https://www.spec.org/power_ssj2008/results/",
}


def generation(cpu: str, architecture: str) -> str | None:
    """Which generation a row is of; None for desktops and processors of before."""
    if "Core i" in cpu or architecture not in ARCHITECTURES:
        return None
    small = re.search(r"E3-\d+L? ?v[3-6]", cpu, re.IGNORECASE)
    return "xeon-e3" if small else ARCHITECTURES[architecture]


def read_servers(path: Path) -> list[Server]:
    """The servers in a file of results."""
    found = []
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            key = generation(row["cpu"], row["architecture"])
            if key is not None:
                watts = (float(row[k]) for k in ("active_idle_w", "w_at_50pct", "w_at_100pct"))
                found.append(Server(key, int(row["threads"]), *watts))
    return found


def main() -> None:
    """Write the table of the file that is named."""
    document = {"source": SOURCE, **figures(read_servers(Path(sys.argv[1]))).to_json()}
    TABLE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"{sum(g['servers'] for g in document['generations'].values())} servers: {TABLE}")


if __name__ == "__main__":
    main()
