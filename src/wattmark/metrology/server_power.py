"""Watts of a whole server at the wall for each hardware thread, from its generation. Pure.

    node's share = idle x wall_s x threads + (full - idle) x cpu_s          (watts per thread)

which is the form of :class:`~wattmark.metrology.cpu_power.PowerModel`: ``busy_w`` is the server's
full power over its threads, ``idle_share`` its power at idle over that at full load. It is what
carbon, water and money are reckoned from: fans, supplies, memory and disks are in it.

Source: published results of SPECpower_ssj2008 (SPEC). `figures` makes of them, for each
generation, the medians, and for all together how far a server lies from the median of the *others*
of its generation. The spread is pooled over generations: those who publish choose the largest
processor of a generation, so that a single generation looks more alike than its servers are.

The machines are tuned and lean and all run one Java load, so the interval reaches further up:

* programs differ by PROGRAM_SPREAD on one machine, either way;
* vector code, as of neural networks, takes packages to their TDP, which this load does not reach
  on some: a server with every package at its TDP (the makers' data sheets) would draw 1.05 times
  (Ice Lake: 620 W measured, 2 x 270 W TDP) to 1.45 times (Zen 3: 456 W, 2 x 280 W) its full load,
  in the middle 1.25. Between 1 and VECTOR_UPLIFT, any factor is taken to be as likely;
* memory and disks: results with 384 GB and more are among the pooled. SPEC itself says that
  results are of new, small, optimised configurations (SPEC Power and Performance Benchmark
  Methodology 2.2, sections 1.3.3 and 1.3.4); Tröpgen et al. 2024, arXiv 2411.07062.

The point stays at the median, a number that others can look up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, median
from typing import Any

from wattmark.errors import MeterError
from wattmark.metrology.cpu_power import DEFAULT_MODEL, PROGRAM_SPREAD, PowerModel
from wattmark.quantities import Grade, Quantity

VECTOR_UPLIFT = 1.3

#: Fewest servers of a generation that it is judged by.
FEWEST_SERVERS = 8

#: Points of the distributions of programs and of vector code that are combined with each server.
_POINTS = 41

#: Of each of both parameters; together, 95 % of servers left out lie within at any load, which
#: ``benchmarks/node_power.py`` prints.
LEVEL = 0.975

#: A generation without results: the factors around its median by its neighbours' and its TDP.
#: Steps between neighbours are 0.7 (Zen 1 to 2) to 1.4 (Broadwell to Skylake). Together x 4.
NEIGHBOUR = (0.6, 2.4)

#: What packages draw of a server at full load (low, value, high). The Datacenter as a Computer
#: (Barroso, Hölzle, Ranganathan, 3rd edition 2018, figure 1.7): processors 61 %, memory 18 %, the
#: rest of the server below 10 %, hence about 0.7; the ends are a judgement.
PACKAGE_SHARE = (0.5, 0.7, 0.9)

#: ARM servers: few results are published, so the factors span 6.
ARM = (0.5, 3.0)


@dataclass(frozen=True)
class Server:
    """A published result: watts at the wall at active idle, at 50 % and at full load."""

    generation: str
    threads: int
    idle_w: float
    half_w: float
    full_w: float

    @property
    def thread_w(self) -> float:
        """Watts per hardware thread at full load."""
        return self.full_w / self.threads

    @property
    def idle_share(self) -> float:
        """Power at idle over that at full load."""
        return self.idle_w / self.full_w

    def power_w(self, utilisation: float) -> float:
        """Watts per hardware thread at a utilisation of 0, 0.5 or 1, as measured."""
        return {0.0: self.idle_w, 0.5: self.half_w, 1.0: self.full_w}[utilisation] / self.threads


@dataclass(frozen=True)
class GenerationFigures:
    """Medians over the servers of a generation; 5 and 95 % of the watts, for people."""

    servers: int
    thread_w: float
    idle_share: float
    low_w: float = 0.0
    high_w: float = 0.0


@dataclass(frozen=True)
class Figures:
    """Medians by generation, and factors around them for a server that is not among these."""

    generations: Mapping[str, GenerationFigures]
    busy: tuple[float, float]
    idle: tuple[float, float]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Figures:
        """The figures in a document as ``to_json`` makes it."""
        generations = {k: GenerationFigures(**v) for k, v in document["generations"].items()}
        return cls(generations, tuple(document["busy"]), tuple(document["idle"]))

    def to_json(self) -> dict[str, Any]:
        """The figures to four digits, as a document."""
        return {
            "busy": _rounded(self.busy),
            "idle": _rounded(self.idle),
            "generations": {
                name: {
                    "servers": found.servers,
                    "thread_w": _digits(found.thread_w),
                    "idle_share": _digits(found.idle_share),
                    "low_w": _digits(found.low_w),
                    "high_w": _digits(found.high_w),
                }
                for name, found in sorted(self.generations.items())
            },
        }

    def model(self, generation: str) -> PowerModel:
        """The node's share of a generation's servers per thread. Raises MeterError for others."""
        found = self.generations.get(generation)
        if found is None:
            raise MeterError(f"no figures of servers of generation {generation!r}")
        return server_model(found.thread_w, found.idle_share, self.busy, self.idle)


def server_model(
    thread_w: float, idle_share: float, busy: tuple[float, float], idle: tuple[float, float]
) -> PowerModel:
    """The model of a median and factors below and above it; no idle share exceeds 1."""
    return PowerModel(
        Quantity.between(
            thread_w,
            thread_w * busy[0],
            thread_w * busy[1],
            "W",
            level=LEVEL,
            grade=Grade.MODELLED,
        ),
        Quantity.between(
            idle_share, idle_share * idle[0], min(1.0, idle_share * idle[1]), "1", level=LEVEL
        ),
    )


def package_model(node: PowerModel) -> PowerModel:
    """The processor's part of a node's share: watts per thread of the package by itself.

    At full load it is taken to be PACKAGE_SHARE of the server; that and the server's own interval
    are independent, so their logarithms add in squares. The idle share is that of any processor.
    """
    low_w, thread_w, high_w = node.busy_w.to("W").bounds()
    low, share, high = PACKAGE_SHARE
    below = math.hypot(math.log(thread_w / low_w), math.log(share / low))
    above = math.hypot(math.log(high_w / thread_w), math.log(high / share))
    package_w = share * thread_w
    return PowerModel(
        Quantity.between(
            package_w,
            package_w * math.exp(-below),
            package_w * math.exp(above),
            "W",
            grade=Grade.MODELLED,
        ),
        DEFAULT_MODEL.idle_share,
    )


def figures(servers: Sequence[Server]) -> Figures:
    """Medians and pooled factors. Generations with fewer than FEWEST_SERVERS are left out.

    Raises MeterError where none has enough.
    """
    import numpy as np

    by_generation: dict[str, list[Server]] = {}
    for server in servers:
        by_generation.setdefault(server.generation, []).append(server)
    enough = {k: v for k, v in by_generation.items() if len(v) >= FEWEST_SERVERS}
    if not enough:
        raise MeterError(f"no generation has {FEWEST_SERVERS} servers")
    watts, shares = [], []
    for found in enough.values():
        watts += _left_out([math.log(s.thread_w) for s in found])
        shares += _left_out([math.log(s.idle_share) for s in found])
    middles = [(i + 0.5) / _POINTS for i in range(_POINTS)]
    program = NormalDist(0.0, PROGRAM_SPREAD / NormalDist().inv_cdf(0.975))
    programs = np.add.outer(watts, [program.inv_cdf(p) for p in middles]).ravel()
    vectors = np.add.outer(programs, [math.log(VECTOR_UPLIFT) * p for p in middles])
    return Figures(
        {k: _medians(v) for k, v in enough.items()},
        (_factor(programs, 0.025), _factor(vectors, 0.975)),
        (_factor(shares, 0.05), _factor(shares, 0.95)),
    )


def _left_out(values: Sequence[float]) -> list[float]:
    """How far each lies from the median of the others."""
    return [
        value - median(other for j, other in enumerate(values) if j != i)
        for i, value in enumerate(values)
    ]


def _medians(found: Sequence[Server]) -> GenerationFigures:
    import numpy as np

    watts = [server.thread_w for server in found]
    low_w, high_w = (float(end) for end in np.quantile(watts, (0.05, 0.95)))
    share = median(server.idle_share for server in found)
    return GenerationFigures(len(found), median(watts), share, low_w, high_w)


def _factor(logarithms: Any, share: float) -> float:
    import numpy as np

    return float(np.exp(np.quantile(logarithms, share)))


def _digits(value: float) -> float:
    return float(f"{value:.4g}")


def _rounded(pair: tuple[float, float]) -> list[float]:
    return [_digits(value) for value in pair]
