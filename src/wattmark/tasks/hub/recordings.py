"""Recordings as the recognisers take them: 16 kHz, mono, float32 between -1 and 1."""

from __future__ import annotations

import io
import wave

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import CorruptArchiveError, MissingPackageError
from wattmark.tasks.automatic_speech_recognition import RATE

Samples = NDArray[np.float32]


def decoded(recording: bytes) -> Samples:
    """Samples (n,) of a recording in WAVE, FLAC, Ogg or MP3.

    16-bit WAVE is read by the standard library, all else by ``soundfile``. Channels are averaged;
    another rate is resampled with a polyphase filter. Raises CorruptArchiveError where it cannot be
    read, and MissingPackageError.
    """
    samples, rate = _wave(recording) or _soundfile(recording)
    mono = samples.mean(axis=1)
    if rate != RATE:
        from scipy.signal import resample_poly

        common = int(np.gcd(rate, RATE))
        mono = resample_poly(mono, RATE // common, rate // common)
    return np.asarray(mono, np.float32)


def _wave(recording: bytes) -> tuple[Samples, int] | None:
    """Samples (n, channels) and rate of a 16-bit WAVE file; None for any other."""
    if recording[:4] != b"RIFF":
        return None
    try:
        with wave.open(io.BytesIO(recording)) as opened:
            if opened.getsampwidth() != 2:
                return None
            data = opened.readframes(opened.getnframes())
            shape = (-1, opened.getnchannels())
            rate = opened.getframerate()
    except (wave.Error, EOFError):  # of another coding than PCM, or damaged: the next reader says
        return None
    return np.frombuffer(data, "<i2").reshape(shape).astype(np.float32) / np.float32(32768), rate


def _soundfile(recording: bytes) -> tuple[Samples, int]:
    try:
        import soundfile
    except ImportError as error:
        raise MissingPackageError(
            "recordings in FLAC, MP3 or the like are read with soundfile: install wattmark[data]"
        ) from error
    try:
        samples, rate = soundfile.read(io.BytesIO(recording), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise CorruptArchiveError(f"a recording cannot be read: {error}") from error
    return samples, int(rate)
