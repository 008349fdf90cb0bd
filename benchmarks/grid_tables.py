"""How far two tables of the carbon of countries' grids are apart (extra ``impact``).

Prints the quantiles, over the countries that both have, of the factor between CodeCarbon's and
EcoLogits' figure. The 90 % one is the range that ``wattmark.factors.parts`` gives a lone source.
"""

from __future__ import annotations

import numpy as np

from wattmark.factors.packaged import CODECARBON, ECOLOGITS, read_json


def main() -> None:
    countries = read_json(CODECARBON, "data/private_infra/global_energy_mix.json")
    mixes = read_json(ECOLOGITS, "data/electricity_mixes.json")["electricity_mixes"]
    apart = [
        abs(np.log(countries[m["name"]]["carbon_intensity"] / 1000 / m["gwp"]))
        for m in mixes
        if m["gwp"] and countries.get(m["name"], {}).get("carbon_intensity")
    ]
    print(f"countries in both tables: {len(apart)}")
    for share in (0.5, 0.9, 0.95):
        print(f"{share:.0%} differ by a factor of {np.exp(np.quantile(apart, share)):.2f} or less")


if __name__ == "__main__":
    main()
