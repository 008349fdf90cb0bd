"""Sampling from a diffusion model: DDPM and DDIM, over a network that predicts the velocity.

Ho et al., "Denoising Diffusion Probabilistic Models", NeurIPS 2020 (arXiv 2006.11239); Song et
al., "Denoising Diffusion Implicit Models", ICLR 2021 (arXiv 2010.02502). The network predicts
v = sqrt(a) * noise - sqrt(1 - a) * image (Salimans and Ho, ICLR 2022, arXiv 2202.00512).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Inputs, Mark, Output, Runners
from wattmark.errors import UnsupportedSetupError

#: how random each sampler is: the eta of Song et al., equation 16
ETA = {"ddpm": 1.0, "ddim": 0.0}
DEFAULT_SAMPLER, DEFAULT_STEPS = "ddim", 20
#: time steps of the probe, as fractions of the schedule: much noise and little noise
PROBED = (0.75, 0.25)


def cosine_schedule(steps: int) -> NDArray[np.float64]:
    """Signal left after each step, shape (steps,): the cumulative product of the alphas.

    Nichol and Dhariwal, "Improved DDPM", ICML 2021 (arXiv 2102.09672), equation 17, with their
    offset of 0.008 and no single step that removes more than 0.999 of the variance.
    """
    f = np.cos((np.arange(steps + 1) / steps + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.cumprod(1 - np.minimum(1 - f[1:] / f[:-1], 0.999))


@dataclass(frozen=True)
class Step:
    """One step of a sampler: ``x <- image * predicted image + rest * x + noise * fresh noise``,
    where the predicted image is ``signal * x - noise_now * v``, cut to [-1, 1]."""

    t: int
    signal: np.float32
    noise_now: np.float32
    image: np.float32
    rest: np.float32
    noise: np.float32


def sampling_steps(signal: NDArray[np.float64], steps: int, eta: float) -> Iterator[Step]:
    """The steps of Song et al., equation 12, from the last time step down.

    ``signal`` is a schedule's cumulative product. ``eta`` 0 is DDIM; 1 is DDPM, exactly that of
    Ho et al. (posterior variance, equation 7) when all time steps are taken, and Nichol and
    Dhariwal's respaced one when not. Steps are spaced evenly and include the last time step
    ("trailing", Lin et al., WACV 2024, arXiv 2305.08891, table 2).
    """
    taken = np.round(np.arange(len(signal), 0, -len(signal) / steps)).astype(int)[:steps] - 1
    return steps_through(signal, taken.tolist(), eta)


def steps_through(
    signal: NDArray[np.float64], taken: Sequence[int], eta: float, last: float = 1.0
) -> Iterator[Step]:
    """The steps from each of these time steps to the next, and from the last of them to an image
    of which ``last`` is signal (1: no noise is left)."""
    for t, following in zip(taken, [*taken[1:], -1], strict=True):
        now, after = signal[t], signal[following] if following >= 0 else last
        variance = eta**2 * (1 - after) / (1 - now) * (1 - now / after)
        rest = np.sqrt(max(1 - after - variance, 0.0) / (1 - now))
        yield Step(
            t=int(t),
            signal=np.float32(np.sqrt(now)),
            noise_now=np.float32(np.sqrt(1 - now)),
            image=np.float32(np.sqrt(after) - rest * np.sqrt(now)),
            rest=np.float32(rest),
            noise=np.float32(np.sqrt(variance)),
        )


class Diffusion:
    """Answers a query with one call of the network ``forward`` for each step.

    A query holds ``noise`` (n, ...) float32, what the image starts as, and the network's other
    inputs, such as ``class_id`` (n,). The network takes these, ``x`` like the noise and ``t``
    (n,) int64, and gives v like x. The output is the image, like the noise, in [-1, 1].

    All that is random comes from ``noise``: fresh noise of DDPM from a generator seeded with it,
    row by row, so that frameworks and batches of any size see the same numbers. The arithmetic
    between calls is in float32 on the host.
    """

    phases = {"denoise": "step"}

    def __init__(self, signal: NDArray[np.float64], sampler: str, steps: int) -> None:
        self._steps = tuple(sampling_steps(signal, steps, ETA[sampler]))
        self._probed = tuple(int(len(signal) * fraction) for fraction in PROBED)

    def __call__(self, runners: Runners, inputs: Inputs, mark: Mark) -> Output:
        """The images of one query or batch; marks one ``denoise`` a step and row."""
        forward = runners["forward"]
        x = inputs["noise"].astype(np.float32)
        told = {name: array for name, array in inputs.items() if name != "noise"}
        rows = len(x)
        generators = [np.random.default_rng(noise_seed(row)) for row in x]
        for step in self._steps:
            v = forward({"x": x, "t": np.full(rows, step.t, np.int64), **told})
            image = np.clip(step.signal * x - step.noise_now * v, -1, 1)
            x = step.image * image + step.rest * x
            if step.noise > 0:
                fresh = [g.standard_normal(x.shape[1:], np.float32) for g in generators]
                x += step.noise * np.stack(fresh)
            mark("denoise", rows)
        return x

    def probe(self, runners: Runners, inputs: Inputs) -> Output:
        """v at two fixed time steps, both from the query's noise: (n, 2, pixels)."""
        forward = runners["forward"]
        x = inputs["noise"].astype(np.float32)
        told = {name: array for name, array in inputs.items() if name != "noise"}
        rows = len(x)
        outputs = [
            forward({"x": x, "t": np.full(rows, t, np.int64), **told}).reshape(rows, -1)
            for t in self._probed
        ]
        return np.stack(outputs, 1)


def diffusion(signal: NDArray[np.float64], options: Mapping[str, str]) -> Diffusion:
    """The sampler that the options ``sampler`` (ddim, ddpm) and ``steps`` ask for.

    Raises UnsupportedSetupError for an option that is not one of these and for a bad value.
    """
    unknown = sorted(set(options) - {"sampler", "steps"})
    if unknown:
        raise UnsupportedSetupError(
            f"a diffusion model has no option {unknown[0]!r}: it has sampler and steps"
        )
    sampler = options.get("sampler", DEFAULT_SAMPLER)
    if sampler not in ETA:
        raise UnsupportedSetupError(f"no sampler {sampler!r}: there are {', '.join(sorted(ETA))}")
    asked = options.get("steps", str(DEFAULT_STEPS))
    if not (asked.isascii() and asked.isdigit() and 1 <= int(asked) <= len(signal)):
        raise UnsupportedSetupError(f"steps={asked}: a whole number from 1 to {len(signal)}")
    return Diffusion(signal, sampler, int(asked))


def noise_seed(row: NDArray[np.float32]) -> int:
    """A seed for fresh noise that depends on a row's first noise alone."""
    return int.from_bytes(hashlib.sha256(row.tobytes()).digest()[:16])
