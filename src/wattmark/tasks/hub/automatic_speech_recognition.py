"""Automatic speech recognition: English utterances with transcripts."""

from __future__ import annotations

from wattmark.tasks.hub.dataset import HubDataset, Read, Row
from wattmark.tasks.hub.recordings import Samples, decoded
from wattmark.tasks.hub.tables import encoded


def _reader(column: str) -> Read:
    """Reads an utterance and its transcript; one without words is left out."""

    def read(row: Row) -> tuple[Samples, str] | None:
        said = " ".join(str(row[column]).split())
        return (decoded(encoded(row["audio"])), said) if said else None

    return read


DATASETS = (
    HubDataset(
        name="librispeech",
        repo="openslr/librispeech_asr",
        files=("clean/test*.parquet",),
        split="test.clean",
        columns=("audio",),
        label_columns=("text",),
        label="the transcript",
        read=_reader("text"),
        licence="CC-BY-4.0",
        citation="Panayotov et al., ICASSP 2015",
    ),
    HubDataset(
        name="common-voice",
        # Mozilla gives its own repositories out elsewhere by now; this one is a copy
        repo="fixie-ai/common_voice_17_0",
        files=("en/test*.parquet",),
        split="17.0, English, test, first file",
        columns=("audio",),
        label_columns=("sentence",),
        label="the transcript",
        read=_reader("sentence"),
        licence="CC0-1.0",
        citation="Ardila et al., LREC 2020, arXiv 1912.06670",
        shards=1,
    ),
    HubDataset(
        name="peoples-speech",
        repo="MLCommons/peoples_speech",
        files=("test/test*.parquet",),
        split="test, first file",
        columns=("audio",),
        label_columns=("text",),
        label="the transcript",
        read=_reader("text"),
        licence="CC-BY and CC-BY-SA",
        citation="Galvez et al., NeurIPS 2021, arXiv 2111.09344",
        shards=1,
    ),
)
