"""Text to image by diffusion in a latent space, with classifier-free guidance: DDIM and DDPM.

Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", CVPR 2022 (arXiv
2112.10752); Ho and Salimans, "Classifier-Free Diffusion Guidance", 2022 (arXiv 2207.12598). The
steps are those of :mod:`wattmark.pipelines.diffusion`, at the time steps that ``diffusers`` takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Inputs, Mark, Output, Runner, Runners
from wattmark.errors import UnsupportedSetupError
from wattmark.pipelines.diffusion import (
    DEFAULT_SAMPLER,
    DEFAULT_STEPS,
    ETA,
    PROBED,
    Step,
    noise_seed,
    steps_through,
)

PREDICTIONS = ("epsilon", "v_prediction", "sample")
SPACINGS = ("leading", "trailing", "linspace")
DEFAULT_GUIDANCE, MOST_GUIDANCE = 7.5, 100.0


@dataclass(frozen=True)
class NoiseSchedule:
    """What a network was trained with, and which time steps are taken.

    ``signal`` (steps,) is the cumulative product of the alphas; ``prediction`` what the network
    gives (noise, velocity or image); ``spacing`` and ``offset`` place the time steps as diffusers'
    ``timestep_spacing`` and ``steps_offset`` do (Lin et al., WACV 2024, arXiv 2305.08891, table
    2); ``last`` is the signal that DDIM's last step leads to.
    """

    signal: NDArray[np.float64]
    prediction: str
    spacing: str
    offset: int
    last: float

    def taken(self, steps: int) -> list[int]:
        """The time steps of a sampler with so many, from noise to image."""
        count = len(self.signal)
        found: NDArray[Any]
        match self.spacing:
            case "leading":
                found = np.arange(steps)[::-1] * (count // steps) + self.offset
            case "linspace":
                found = np.linspace(0, count - 1, steps).round()[::-1]
            case _:
                found = np.round(np.arange(count, 0, -count / steps))[:steps] - 1
        return [int(t) for t in np.minimum(found, count - 1)]

    def image(self, step: Step, x: Output, predicted: Output) -> Output:
        """The image that the network's output stands for, in the latent space."""
        match self.prediction:
            case "epsilon":
                return (x - step.noise_now * predicted) / step.signal
            case "v_prediction":
                return step.signal * x - step.noise_now * predicted
        return predicted


class LatentDiffusion:
    """Answers a query with the networks ``encode``, ``denoise`` and ``decode``.

    A query holds ``input_ids`` and ``empty_ids`` (n, length) int64, the tokens of its prompt and
    of the empty prompt, and ``noise`` (n, channels, h, w) float32, what the latents start as.
    ``encode`` takes tokens and gives what they say (n, length, width); ``denoise`` takes ``x``
    like the noise, ``t`` (n,) int64 and ``told``, and gives its prediction like x; ``decode``
    takes ``latents`` and gives the image, in [-1, 1] and a little beyond.

    With guidance a step is two calls of ``denoise``, told the prompt and told nothing, where
    diffusers makes one call with a batch of two. With a guidance of 1 or less it is one call.
    All that is random comes from ``noise``; the arithmetic between calls is in float32 on the host.
    """

    phases = {"encode": "query", "denoise": "step", "decode": "image"}

    def __init__(self, schedule: NoiseSchedule, sampler: str, steps: int, guidance: float) -> None:
        last = schedule.last if sampler == "ddim" else 1.0
        taken = schedule.taken(steps)
        self._steps = tuple(steps_through(schedule.signal, taken, ETA[sampler], last))
        self._schedule = schedule
        self._guidance = np.float32(guidance)
        self._probed = tuple(int(len(schedule.signal) * fraction) for fraction in PROBED)

    def __call__(self, runners: Runners, inputs: Inputs, mark: Mark) -> Output:
        """The images of one query or batch (n, 3, height, width). Marks an ``encode`` for each
        row and a ``denoise`` for each step and row, however many calls they take."""
        x = inputs["noise"].astype(np.float32)
        rows = len(x)
        guided = self._guidance > 1
        # a copy, for what a runner gave may be its own buffer, which the next call writes over
        told = runners["encode"]({"input_ids": inputs["input_ids"]}).copy()
        nothing = runners["encode"]({"input_ids": inputs["empty_ids"]}) if guided else None
        mark("encode", rows)
        generators = [np.random.default_rng(noise_seed(row)) for row in x]
        for step in self._steps:
            predicted = _predicted(runners["denoise"], x, step.t, told)
            if nothing is not None:
                plain = _predicted(runners["denoise"], x, step.t, nothing)
                predicted = plain + self._guidance * (predicted - plain)
            image = self._schedule.image(step, x, predicted)
            x = step.image * image + step.rest * x
            if step.noise > 0:
                fresh = [g.standard_normal(x.shape[1:], np.float32) for g in generators]
                x += step.noise * np.stack(fresh)
            mark("denoise", rows)
        drawn: Output = runners["decode"]({"latents": x})
        mark("decode", rows)
        return drawn

    def probe(self, runners: Runners, inputs: Inputs) -> Output:
        """Two predictions from the query's noise, and the noise decoded: (n, values)."""
        x = inputs["noise"].astype(np.float32)
        told = runners["encode"]({"input_ids": inputs["input_ids"]})
        found = [_predicted(runners["denoise"], x, t, told) for t in self._probed]
        found.append(runners["decode"]({"latents": x}))
        return np.concatenate([part.reshape(len(x), -1) for part in found], 1)


def _predicted(denoise: Runner, x: Output, t: int, told: Output) -> Output:
    predicted = denoise({"x": x, "t": np.full(len(x), t, np.int64), "told": told})
    kept: Output = predicted.copy()  # as above
    return kept


def latent_diffusion(schedule: NoiseSchedule, options: Mapping[str, str]) -> LatentDiffusion:
    """The sampler that ``sampler`` (ddim, ddpm), ``steps`` and ``guidance`` (0 to 100) ask for.

    Raises UnsupportedSetupError for another option and for a bad value.
    """
    if unknown := sorted(set(options) - {"sampler", "steps", "guidance"}):
        raise UnsupportedSetupError(
            f"a text-to-image model has no option {unknown[0]!r}: it has sampler, steps and "
            "guidance"
        )
    sampler = options.get("sampler", DEFAULT_SAMPLER)
    if sampler not in ETA:
        raise UnsupportedSetupError(f"no sampler {sampler!r}: there are {', '.join(sorted(ETA))}")
    steps, most = options.get("steps", str(DEFAULT_STEPS)), len(schedule.signal)
    if not (steps.isascii() and steps.isdigit() and 1 <= int(steps) <= most):
        raise UnsupportedSetupError(f"steps={steps}: a whole number from 1 to {most}")
    given = options.get("guidance", str(DEFAULT_GUIDANCE))
    try:
        guidance = float(given)
    except ValueError:
        guidance = -1.0
    if not 0 <= guidance <= MOST_GUIDANCE:
        raise UnsupportedSetupError(f"guidance={given}: a number from 0 to {MOST_GUIDANCE:g}")
    return LatentDiffusion(schedule, sampler, int(steps), guidance)
