"""A diffusion model's noise schedule from the ``scheduler_config.json`` of ``diffusers``.

Which class of scheduler a repository names does not matter: the schedule that it was trained with
is the same for all, and the sampler is the setup's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import InputError
from wattmark.pipelines.latent_diffusion import PREDICTIONS, SPACINGS, NoiseSchedule

#: settings that change the sampling in a way that is not done here
_UNKNOWN = ("clip_sample", "thresholding", "rescale_betas_zero_snr", "use_karras_sigmas")


def noise_schedule(settings: Mapping[str, Any], model: str) -> NoiseSchedule:
    """The schedule. Raises InputError for what is not supported."""
    unknown = [f"{key} {settings[key]}" for key in _UNKNOWN if settings.get(key)]
    prediction = str(settings.get("prediction_type", "epsilon"))
    spacing = str(settings.get("timestep_spacing", "leading"))
    unknown += [] if prediction in PREDICTIONS else [f"prediction_type {prediction}"]
    unknown += [] if spacing in SPACINGS else [f"timestep_spacing {spacing}"]
    betas = None if unknown else _betas(settings)
    if betas is None:
        said = ", ".join(unknown) or f"beta_schedule {settings.get('beta_schedule')}"
        raise InputError(
            f"scheduler_config.json of {model} asks for {said}: that cannot be run; choose a "
            "model of Stable Diffusion 1 or 2"
        )
    signal = np.cumprod(1 - betas).astype(np.float64)
    return NoiseSchedule(
        signal=signal,
        prediction=prediction,
        spacing=spacing,
        offset=int(settings.get("steps_offset", 0)),
        last=1.0 if settings.get("set_alpha_to_one", True) else float(signal[0]),
    )


def _betas(settings: Mapping[str, Any]) -> NDArray[np.float64] | None:
    """Share of the variance that each step replaces by noise; None for an unknown schedule."""
    if settings.get("trained_betas") is not None:
        return np.asarray(settings["trained_betas"], np.float64)
    steps = int(settings.get("num_train_timesteps", 1000))
    ends = float(settings.get("beta_start", 1e-4)), float(settings.get("beta_end", 0.02))
    match settings.get("beta_schedule", "linear"):
        case "linear":
            return np.linspace(*ends, steps)
        case "scaled_linear":
            return np.square(np.linspace(ends[0] ** 0.5, ends[1] ** 0.5, steps))
    return None
