"""Whose energy: a job on a node of eight cards of 50 to 400 W, charged as a meter of it is.

NVML is simulated (``tests/simulated_nvml.py``); a window lasts 12 s of its clock. Per case: the
joules of the cards that the job used, those that `wattmark.measure` charges, the share of them that
comes from elsewhere, and what all cards together took, which is what was charged before.

    python benchmarks/gpu_charge.py
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from simulated_nvml import eight_cards

import wattmark
from wattmark.metering.opened import OPEN_METERS

SECONDS = 12.0

#: what the job is given, the cards that it has open (None: NVML lists nobody), those that it uses
CASES: tuple[tuple[str | None, tuple[int, ...] | None, tuple[int, ...]], ...] = (
    ("0", None, (0,)),
    ("6,1", None, (1, 6)),
    ("GPU-33333333-0000", None, (3,)),
    ("GPU-5,GPU-2", None, (2, 5)),
    ("4,9,1", None, (4,)),
    ("0,1,2,3,4,5,6,7", (2,), (2,)),
    (None, (7,), (7,)),
    (None, (), ()),
    ("", None, ()),
)


def charged_j(visible: str | None, opened: tuple[int, ...] | None) -> float:
    """Joules that a window of such a job is charged with."""
    nvml = eight_cards()
    for number, card in enumerate(nvml.cards):
        listed = None if opened is None else (os.getpid(),) * (number in opened)
        nvml.cards[number] = replace(card, processes=listed)
    with pytest.MonkeyPatch.context() as patch:
        nvml.install(patch)
        patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if visible is not None:
            patch.setenv("CUDA_VISIBLE_DEVICES", visible)
        with wattmark.measure("a job", meters=("nvml",), idle=False) as window:
            nvml.work(SECONDS)
        OPEN_METERS.close()
    return sum(energy.gross.to("J").bounds()[1] for energy in window.energy)


def main() -> None:
    """Print the table."""
    row = "{:<20} {:>10} {:>10} {:>10} {:>10} {:>10}\n"
    sys.stdout.write(row.format("visible", "open", "used, J", "charged", "elsewhere", "all"))
    every = sum(card.watts for card in eight_cards().cards) * SECONDS
    for visible, opened, used in CASES:
        truth = sum(eight_cards().cards[n].watts for n in used) * SECONDS
        charged = charged_j(visible, opened)
        elsewhere = abs(charged - truth) / max(truth, 1.0)
        sys.stdout.write(
            row.format(
                "not set" if visible is None else repr(visible),
                "not listed" if opened is None else ",".join(map(str, opened)) or "none",
                f"{truth:.0f}",
                f"{charged:.0f}",
                f"{elsewhere:.2%}",
                f"{every:.0f}",
            )
        )


if __name__ == "__main__":
    main()
