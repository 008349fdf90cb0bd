"""Against transformers' feature extractor, which is Whisper's."""

from __future__ import annotations

import numpy as np
import pytest

from wattmark.models.networks.log_mel import (
    BANDS,
    FRAMES,
    RATE,
    log_mel,
    mel_filters,
    speech_features,
)


@pytest.fixture(scope="module")
def extractor():
    transformers = pytest.importorskip("transformers")
    return transformers.WhisperFeatureExtractor(feature_size=BANDS)


def test_filters_are_those_of_whisper(extractor):
    np.testing.assert_allclose(mel_filters(), extractor.mel_filters.T, atol=1e-12)


@pytest.mark.parametrize("seconds", [0.1, 2.7, 30, 31])
def test_features_of_short_full_and_long_speech(extractor, seconds):
    rng = np.random.default_rng(0)
    time = np.arange(int(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * (200 + 300 * time) * time) * np.exp(-time)
    samples = (0.5 * tone + 0.01 * rng.standard_normal(len(time))).astype(np.float32)
    features = log_mel(samples)
    assert features.shape == (1, BANDS, FRAMES)
    assert features.dtype == np.float32
    expected = extractor(samples, sampling_rate=RATE, return_tensors="np").input_features
    np.testing.assert_allclose(features, expected, atol=1e-4)


def test_silence_is_flat():
    assert np.ptp(log_mel(np.zeros(RATE, np.float32))) == 0


def test_speech_that_is_too_long_is_cut_and_counted_in_a_warning(caplog):
    caplog.set_level("WARNING", logger="wattmark")  # other tests' libraries change the root's
    tone = np.sin(np.arange(32 * RATE) / 7).astype(np.float32)
    long, short = speech_features([tone, tone[: 30 * RATE]])
    np.testing.assert_array_equal(long, short)
    (record,) = caplog.records
    assert "1 of 2 recordings are longer than 30 s" in record.getMessage()
    assert "the 2 s that follow" in record.getMessage()
    caplog.clear()
    speech_features([tone[:RATE]])
    assert not caplog.records
