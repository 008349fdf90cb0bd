"""Log-mel features of speech, as Whisper takes them: 80 bands, a frame every 10 ms, 30 s.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", ICML 2023 (arXiv
2212.04356), section 2.2; the details are those of ``whisper/audio.py`` of its authors.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

_log = logging.getLogger(__name__)

RATE = 16_000
WINDOW, HOP = 400, 160
SECONDS = 30
FRAMES = SECONDS * RATE // HOP
BANDS = 80
#: what a model that hears one window says of itself
ONE_WINDOW = f"hears the first {SECONDS} s of a recording"


@cache
def mel_filters(bands: int = BANDS) -> NDArray[np.float64]:
    """Weights (bands, 201) of triangles of equal area, evenly spaced in mel from 0 to 8 kHz.

    Mel after Slaney, "Auditory Toolbox", Interval Research Technical Report 1998-010: linear up
    to 1 kHz (3 mel per 200 Hz), then logarithmic (27 mel for each factor of 6.4).
    """
    limit, per_hz, step = 1000.0, 3 / 200, np.log(6.4) / 27
    highest = limit * per_hz + np.log(RATE / 2 / limit) / step
    mel = np.linspace(0, highest, bands + 2)
    above = limit * np.exp(step * (mel - limit * per_hz))
    edges = np.where(mel < limit * per_hz, mel / per_hz, above)
    bins = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    filters: NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling)) * 2 / (right - left)
    return filters


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features (1, 80, 3000) of 16 kHz mono samples between -1 and 1.

    Longer speech is cut to 30 s, shorter is filled up with silence. Values are log10 of the
    power, not more than 8 below the largest, then (x + 4) / 4.
    """
    padded = np.zeros(SECONDS * RATE)
    length = min(len(samples), len(padded))
    padded[:length] = samples[:length]
    signal = np.pad(padded, WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(signal, WINDOW)[::HOP][:FRAMES]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    power = np.abs(np.fft.rfft(frames * hann)) ** 2
    log = np.log10(np.maximum(mel_filters() @ power.T, 1e-10))
    scaled: NDArray[np.float32] = ((np.maximum(log, log.max() - 8) + 4) / 4).astype(np.float32)
    return scaled[None]


def speech_features(recordings: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """The features of each recording. Logs a warning that counts those longer than 30 s."""
    beyond = [len(samples) / RATE - SECONDS for samples in recordings]
    if long := [seconds for seconds in beyond if seconds > 0]:
        _log.warning(
            "%d of %d recordings are longer than %d s: a Whisper hears the first %d s and not the "
            "%.0f s that follow in all, whose words count as errors; split them, or choose others",
            len(long), len(recordings), SECONDS, SECONDS, sum(long),
        )  # fmt: skip
    return [log_mel(samples) for samples in recordings]
