"""Text generation: continue a text, judged by its next word; or answer a chat's first message."""

from __future__ import annotations

from wattmark.tasks.hub.dataset import HubDataset, Read, Row, aies_sample
from wattmark.tasks.text_generation import beginning


def _continued(column: str) -> Read:
    """Reads the beginning of a text and the word that comes next; short texts are left out."""

    def read(row: Row) -> tuple[str, str] | None:
        return beginning(row[column])

    return read


def _asked(row: Row) -> tuple[str, None] | None:
    """A chat's first message; no one answer to it is right."""
    prompt = str(row["prompt"]).strip()
    return (prompt, None) if prompt else None


_LABEL = "the word that comes next"

WIKITEXT = HubDataset(
    name="wikitext",
    repo="Salesforce/wikitext",
    # its test set is that of wikitext-103, too
    files=("wikitext-2-raw-v1/test*.parquet",),
    split="wikitext-2-raw-v1, test",
    columns=("text",),
    label=_LABEL,
    read=_continued("text"),
    licence="CC-BY-SA-3.0",
    citation="Merity et al., ICLR 2017, arXiv 1609.07843",
)
OSCAR = HubDataset(
    name="oscar",
    repo="oscar-corpus/OSCAR-2301",
    files=("en_meta/*.jsonl.zst",),
    split="English, first 20 000 documents of the first file",
    columns=("content",),
    label=_LABEL,
    read=_continued("content"),
    licence="CC0-1.0 for the packaging; texts of Common Crawl",
    citation="Jansen et al., arXiv 2212.10440",
    gated=True,
    shards=1,
    rows=20_000,
)
ULTRACHAT = HubDataset(
    name="ultrachat",
    repo="HuggingFaceH4/ultrachat_200k",
    files=("data/test_sft*.parquet",),
    split="test_sft",
    columns=("prompt",),
    read=_asked,
    licence="MIT",
    citation="Ding et al., EMNLP 2023, arXiv 2305.14233",
)
#: what the AI Energy Score itself measures with
AIES_SAMPLE = aies_sample(
    "text_generation", "text", _continued("text"), "WikiText, OSCAR and UltraChat", label=_LABEL
)
DATASETS = (WIKITEXT, OSCAR, ULTRACHAT, AIES_SAMPLE)
