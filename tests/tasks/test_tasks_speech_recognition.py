from __future__ import annotations

import wave
from collections import Counter

import numpy as np
import pytest

from wattmark.errors import AssetError
from wattmark.tasks.automatic_speech_recognition import (
    AutomaticSpeechRecognition,
    normalised,
    read_recording,
    read_transcripts,
    word_errors,
)

TASK = AutomaticSpeechRecognition()


def test_figures_titles_case_and_punctuation_do_not_count():
    pytest.importorskip("transformers")
    assert normalised("Ten of clubs.") == normalised("10 of clubs") == "10 of clubs"
    assert normalised("Mr. Dashwood, don't!") == "mister dashwood do not"


@pytest.mark.parametrize(
    ("heard", "said", "errors"),
    [
        ("seven of clubs", "7 of clubs", (0, 3)),
        ("a b c", "a x b c", (1, 4)),
        ("a y b c", "a x b", (2, 3)),
        ("", "a b", (2, 2)),
        ("a b", "", (2, 0)),
    ],
)
def test_errors_are_substitutions_deletions_and_insertions(heard, said, errors):
    pytest.importorskip("jiwer")
    assert word_errors(heard, said) == errors


def test_corpus_rate_weighs_words_and_not_utterances():
    pytest.importorskip("jiwer")
    said = ["one", "the quick brown fox jumps over the lazy dog"]
    heard = ["two", said[1]]
    assert TASK.quality(heard, said) == 1 / 10
    assert TASK.quality(heard + heard, said + said) == 1 / 10
    assert [TASK.score(h, s) for h, s in zip(heard, said, strict=True)] == [0, 1]
    assert TASK.score("far too many words", "one") == 0


def test_quality_is_the_figure_of_jiwer():
    jiwer = pytest.importorskip("jiwer")
    said = ["he was not an ill disposed young man", "ten of clubs", "go forward ten meters"]
    heard = ["He was not an old-sposed young man.", "10 of clubs.", "Go forward, meters!"]
    expected = jiwer.wer([normalised(s) for s in said], [normalised(h) for h in heard])
    assert TASK.quality(heard, said) == expected > 0


def test_transcripts_are_read_and_a_strange_line_is_named(tmp_path):
    path = tmp_path / "transcription"
    path.write_text("<s> ten of clubs  </s> (001)\n<s> five five </s> (002)\n")
    assert read_transcripts(path) == [("001", "ten of clubs"), ("002", "five five")]
    path.write_text("<s> ten of clubs  </s> (001)\nten of clubs\n")
    with pytest.raises(AssetError, match="line 2: expected <s>"):
        read_transcripts(path)


def test_recordings_with_and_without_header_are_the_same(tmp_path):
    samples = np.array([0, 16384, -32768, 32767], "<i2")
    (tmp_path / "a.raw").write_bytes(samples.tobytes())
    with wave.open(str(tmp_path / "a.wav"), "wb") as out:
        out.setparams((1, 2, 16_000, 4, "NONE", ""))
        out.writeframes(samples.tobytes())
    for name in ("a.raw", "a.wav"):
        read = read_recording(tmp_path / name)
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, samples / 32768)


def test_other_sampling_rate_is_refused(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as out:
        out.setparams((1, 2, 8_000, 1, "NONE", ""))
        out.writeframes(b"\0\0")
    with pytest.raises(AssetError, match=r"\(8000, 2, 1\), not \(16000, 2, 1\)"):
        read_recording(tmp_path / "a.wav")


@pytest.mark.slow
def test_eleven_utterances_exist_however_many_are_asked_for():
    info, examples = TASK.load(1000, seed=0)
    assert info.samples == len(examples) == 11
    assert Counter(e.source for e in examples) == {"librivox": 5, "phrases": 6}
    assert sum(len(e.label.split()) for e in examples) == 96
    for example in examples:
        assert 16_000 <= len(example.data) < 8 * 16_000
        assert 0.01 < np.abs(example.data).max() <= 1


@pytest.mark.slow
def test_seed_decides_and_both_sources_take_part():
    first, examples = TASK.load(4, seed=3)
    assert Counter(e.source for e in examples) == {"librivox": 2, "phrases": 2}
    assert TASK.load(4, seed=3)[0] == first
    assert TASK.load(4, seed=4)[0].data_digest != first.data_digest
