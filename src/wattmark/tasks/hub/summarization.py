"""Summarization: news articles, chats and papers with summaries that people wrote."""

from __future__ import annotations

from wattmark.tasks.hub.dataset import HubDataset, Read, Row


def _reader(document: str, summary: str) -> Read:
    """Reads a document and its summary; a row that lacks either is left out."""

    def read(row: Row) -> tuple[str, str] | None:
        # a CSV file gives None for an empty cell
        said, label = ((row[column] or "").strip() for column in (document, summary))
        return (said, label) if said and label else None

    return read


DATASETS = (
    HubDataset(
        name="cnn-dailymail",
        repo="abisee/cnn_dailymail",
        files=("3.0.0/test*.parquet",),
        split="3.0.0, test",
        columns=("article",),
        label_columns=("highlights",),
        label="the article's highlights",
        read=_reader("article", "highlights"),
        licence="Apache-2.0 for the packaging; texts of CNN and the Daily Mail",
        citation="See et al., ACL 2017, arXiv 1704.04368",
    ),
    HubDataset(
        name="samsum",
        # the authors' own repository holds a 7z archive and code
        repo="knkarthick/samsum",
        files=("test*.csv", "data/test*.parquet"),
        split="test",
        columns=("dialogue",),
        label_columns=("summary",),
        label="the chat's summary",
        read=_reader("dialogue", "summary"),
        licence="CC-BY-NC-ND-4.0",
        citation="Gliwa et al., 2019, arXiv 1911.12237",
    ),
    HubDataset(
        name="arxiv",
        repo="ccdv/arxiv-summarization",
        files=("document/test*.parquet",),
        split="document, test",
        columns=("article",),
        label_columns=("abstract",),
        label="the paper's abstract",
        read=_reader("article", "abstract"),
        licence="not stated; papers of arXiv",
        citation="Cohan et al., NAACL 2018, arXiv 1804.05685",
    ),
)
