"""Automatic speech recognition: what was said? Word error rate over eleven English utterances.

Five sentences of a LibriVox reading (Jane Austen, "Sense and Sensibility") and six short phrases
(playing cards, a command), all with transcripts, from the source distribution of pocketsphinx.
Eleven utterances are a sanity check; see ``automatic_speech_recognition.md``.
"""

from __future__ import annotations

import re
import wave
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmark.assets import Asset, PackageRef, resolve
from wattmark.contracts import Example, Sensitivity
from wattmark.errors import AssetError, MissingPackageError
from wattmark.records import TaskInfo, content_digest
from wattmark.tasks.sampling import drawn_equally

_FOLDER = "pocketsphinx-5.1.1/test/data"
#: a list of utterances with their transcripts, for each folder
_TRANSCRIPTS = {"librivox": "transcription", "cards": "cards.transcription"}
_COMMAND, _COMMAND_SAYS = f"{_FOLDER}/goforward.raw", "go forward ten meters"

RECORDINGS = PackageRef(
    name="pocketsphinx",
    version="5.1.1",
    file="pocketsphinx-5.1.1.tar.gz",
    sha256="675778b309a22dfc9b7d37f7621976bba491d2a5f8c59696bd77fd6d07271355",
    members=(
        *(f"{_FOLDER}/{folder}/*.wav" for folder in _TRANSCRIPTS),
        *(f"{_FOLDER}/{folder}/{name}" for folder, name in _TRANSCRIPTS.items()),
        _COMMAND,
    ),
    licence="BSD-2-Clause (CMU Sphinx); LibriVox recordings: public domain",
    description="test recordings of pocketsphinx",
)

RATE = 16_000


class AutomaticSpeechRecognition:
    """Speech as 16 kHz mono samples (n,) float32 between -1 and 1; labels are transcripts."""

    name = "automatic-speech-recognition"
    default_model = "whisper-tiny-en"
    metric = "WER"
    higher_is_better = False
    sensitivity = Sensitivity(0.875, 11, spread=0.05, metric="1 − WER")

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """At most 11 utterances, drawn equally from "librivox" and "phrases". Raises AssetError."""
        asset = resolve(RECORDINGS)
        drawn = drawn_equally(_utterances(asset), samples, seed)
        info = TaskInfo(
            name=self.name,
            unit="query",
            metric=self.metric,
            samples=len(drawn),
            data_digest=content_digest([[asset.files[file], said] for file, said in drawn]),
            licence=RECORDINGS.licence,
            sources=(f"{RECORDINGS.label}, sha256 {RECORDINGS.sha256}", "LibriVox"),
            description=f"{len(drawn)} of 11 English utterances: a sanity check",
        )
        return info, [
            Example(
                read_recording(asset.path(file)),
                said,
                "librivox" if "/librivox/" in file else "phrases",
            )
            for file, said in drawn
        ]

    def predict(self, answer: str) -> str:
        """The transcript as the model wrote it."""
        return answer

    def score(self, prediction: str, label: str) -> float:
        """1 less the word error rate of this utterance, and not below 0."""
        errors, words = word_errors(prediction, label)
        return max(0.0, 1 - errors / max(words, 1))

    def quality(self, predictions: Sequence[str], labels: Sequence[Any]) -> float:
        """Corpus word error rate: all errors over all words of the transcripts."""
        counts = [word_errors(p, said) for p, said in zip(predictions, labels, strict=True)]
        return sum(errors for errors, _ in counts) / max(sum(words for _, words in counts), 1)


@lru_cache(maxsize=65_536)
def word_errors(prediction: str, transcript: str) -> tuple[int, int]:
    """Substitutions, deletions and insertions, and the number of words of the transcript.

    Both texts are normalised first. Counted by jiwer: the edit distance between the words.
    Raises MissingPackageError.
    """
    try:
        import jiwer
    except ImportError as error:
        raise MissingPackageError(
            "word error rates need jiwer: install wattmark[metrics]"
        ) from error
    said, heard = normalised(transcript), normalised(prediction)
    if not said:
        return len(heard.split()), 0
    found = jiwer.process_words(said, heard)
    return found.substitutions + found.deletions + found.insertions, len(said.split())


def normalised(text: str) -> str:
    """Whisper's normalisation of English, without its list of British spellings.

    Radford et al., arXiv 2212.04356, appendix C, as in transformers: lower case, no punctuation
    and fillers, contractions and titles written out, numbers as figures ("ten" is "10").
    Raises MissingPackageError.
    """
    return str(_normalizer()(text)).strip()


@cache
def _normalizer() -> Any:
    try:
        from transformers.models.whisper.english_normalizer import EnglishTextNormalizer
    except ImportError as error:
        raise MissingPackageError(
            "word error rates need transformers: install wattmark[torch]"
        ) from error
    return EnglishTextNormalizer({})


def _utterances(asset: Asset) -> list[list[tuple[str, str]]]:
    """(file, transcript) of LibriVox, and of the phrases."""
    listed = {
        folder: [
            (f"{_FOLDER}/{folder}/{name}.wav", said)
            for name, said in read_transcripts(asset.path(f"{_FOLDER}/{folder}/{file}"))
        ]
        for folder, file in _TRANSCRIPTS.items()
    }
    return [listed["librivox"], [*listed["cards"], (_COMMAND, _COMMAND_SAYS)]]


def read_transcripts(path: Path) -> list[tuple[str, str]]:
    """(name of the recording, words) from lines ``<s> words </s> (name)``.

    Raises AssetError for any other line.
    """
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.fullmatch(r"<s>(.*)</s> \((.*)\)", line.strip())
        if match is None:
            raise AssetError(f"{path.name}, line {number}: expected <s> words </s> (name): {line}")
        found.append((match[2], " ".join(match[1].split())))
    return found


def read_recording(path: Path) -> NDArray[np.float32]:
    """16-bit mono samples at 16 kHz, of a WAVE file or without a header (``.raw``).

    Raises AssetError for another rate, width or number of channels.
    """
    if path.suffix == ".raw":
        data = path.read_bytes()
    else:
        with wave.open(str(path)) as opened:
            found = (opened.getframerate(), opened.getsampwidth(), opened.getnchannels())
            if found != (RATE, 2, 1):
                raise AssetError(
                    f"{path.name} has rate, bytes and channels {found}, not {(RATE, 2, 1)}"
                )
            data = opened.readframes(opened.getnframes())
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)
