"""Text classification: is a text positive or negative? Texts that are neither are left out."""

from __future__ import annotations

from collections.abc import Mapping

from wattmark.tasks.hub.dataset import HubDataset, Read, Row
from wattmark.tasks.text_classification import CLASSES

NEGATIVE, POSITIVE = CLASSES
_LABEL = "negative or positive"


def _reader(classes: Mapping[int, str]) -> Read:
    """Reads text and class; other classes than these are left out, below 0 is no class."""

    def read(row: Row) -> tuple[str, str] | None:
        number = int(row["label"])
        if number < 0:
            raise ValueError(f"the label is {number}: this part of the data has no labels")
        text = " ".join(row["text"].replace("<br />", " ").split())
        return (text, classes[number]) if number in classes else None

    return read


DATASETS = (
    HubDataset(
        name="imdb",
        repo="stanfordnlp/imdb",
        files=("plain_text/test*.parquet",),
        split="test",
        columns=("text",),
        label_columns=("label",),
        label=_LABEL,
        read=_reader({0: NEGATIVE, 1: POSITIVE}),
        licence="academic use",
        citation="Maas et al., ACL 2011",
    ),
    HubDataset(
        name="tweet-eval",
        repo="cardiffnlp/tweet_eval",
        files=("sentiment/test*.parquet",),
        split="sentiment, test",
        columns=("text",),
        label_columns=("label",),
        label=f"{_LABEL}; neutral tweets are left out",
        read=_reader({0: NEGATIVE, 2: POSITIVE}),
        licence="not stated; Twitter's terms",
        citation="Barbieri et al., Findings of EMNLP 2020, arXiv 2010.12421",
    ),
    HubDataset(
        name="yelp",
        repo="fancyzhx/yelp_polarity",
        files=("plain_text/test*.parquet",),
        split="test",
        columns=("text",),
        label_columns=("label",),
        label=_LABEL,
        read=_reader({0: NEGATIVE, 1: POSITIVE}),
        licence="Yelp's terms",
        citation="Zhang, Zhao and LeCun, NeurIPS 2015, arXiv 1509.01626",
    ),
)
