"""Extractive question answering: SQuAD's form. Questions without an answer are left out."""

from __future__ import annotations

from wattmark.tasks.hub.dataset import CONVERTED, HubDataset, Row

_LABEL = "the first answer given; questions that have none are left out"


def _read(row: Row) -> tuple[tuple[str, str], str] | None:
    """((question, passage), answer)."""
    answers = row["answers"]["text"]
    return ((row["question"].strip(), row["context"]), answers[0]) if answers else None


DATASETS = (
    HubDataset(
        name="squad-v2",
        repo="rajpurkar/squad_v2",
        files=("squad_v2/validation*.parquet",),
        split="validation",
        columns=("question", "context"),
        label_columns=("answers",),
        label=_LABEL,
        read=_read,
        licence="CC-BY-SA-4.0",
        citation="Rajpurkar, Jia and Liang, ACL 2018, arXiv 1806.03822",
    ),
    HubDataset(
        name="xtreme",
        repo="google/xtreme",
        files=("XQuAD.en/validation*.parquet",),
        split="XQuAD.en, validation",
        columns=("question", "context"),
        label_columns=("answers",),
        label=_LABEL,
        read=_read,
        licence="CC-BY-SA-4.0",
        citation="Hu et al., ICML 2020, arXiv 2003.11080",
    ),
    HubDataset(
        name="squadshifts",
        repo="ludwigschmidt/squadshifts",
        revision=CONVERTED,
        files=tuple(f"{part}/test*.parquet" for part in ("new_wiki", "nyt", "reddit", "amazon")),
        split="new_wiki, nyt, reddit, amazon",
        columns=("question", "context"),
        label_columns=("answers",),
        label=_LABEL,
        read=_read,
        licence="CC-BY-4.0",
        citation="Miller et al., ICML 2020, arXiv 2004.14444",
    ),
)
