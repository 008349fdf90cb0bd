"""Sentence similarity: pairs of sentences, and how alike people found them, 0 to 1."""

from __future__ import annotations

from wattmark.tasks.hub.dataset import CONVERTED, HubDataset, Row

Pair = tuple[str, str]


def _rated(row: Row) -> tuple[Pair, float]:
    """A pair with a rating from 0 to 5."""
    rating = float(row["label"])
    if not 0 <= rating <= 5:
        raise ValueError(f"the rating is {rating}, not 0 to 5: this part of the data has no labels")
    return (row["sentence1"], row["sentence2"]), rating / 5


def _same(row: Row) -> tuple[Pair, float]:
    """A pair with a class: 1 where the phrases in which they differ mean the same, else 0."""
    label = int(row["label"])
    if label not in (0, 1):
        raise ValueError(f"the label is {label}, not 0 or 1")
    return (row["sentence1"], row["sentence2"]), float(label)


def _compressed(row: Row) -> tuple[Pair, None]:
    """A sentence and its shorter form: nobody rated how alike they are."""
    return (row["text"], row["simplified"]), None


DATASETS = (
    HubDataset(
        name="sts-b",
        repo="nyu-mll/glue",
        files=("stsb/validation*.parquet",),
        split="stsb, validation",
        columns=("sentence1", "sentence2"),
        label_columns=("label",),
        label="people's rating, 0 to 5, over 5",
        read=_rated,
        licence="not stated; texts of several sources",
        citation="Cer et al., SemEval 2017, arXiv 1708.00055",
    ),
    HubDataset(
        name="sentence-compression",
        repo="sentence-transformers/sentence-compression",
        files=("pair/train*.parquet",),
        split="pair, train",
        columns=("text", "simplified"),
        read=_compressed,
        licence="not stated; texts of the web",
        citation="Filippova and Altun, EMNLP 2013",
    ),
    HubDataset(
        name="phrase-similarity",
        repo="PiC/phrase_similarity",
        revision=CONVERTED,
        files=("PS*/test*.parquet",),
        split="test",
        columns=("sentence1", "sentence2"),
        label_columns=("label",),
        label="1 where the phrases mean the same in context, else 0",
        read=_same,
        licence="CC-BY-NC-4.0",
        citation="Pham et al., EACL 2023, arXiv 2207.09068",
    ),
)
