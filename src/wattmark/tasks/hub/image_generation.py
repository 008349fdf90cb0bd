"""Image generation: prompts that people wrote, without labels, each with a seed for the noise.

The task's judge knows clothes only, so cost alone is measured on these.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from wattmark.tasks.hub.dataset import HubDataset, Read, Row


def _prompted(text: Callable[[Row], str]) -> Read:
    """Reads (prompt, seed); the seed follows from the prompt, so every setup gets the same."""

    def read(row: Row) -> tuple[tuple[str, int], None] | None:
        prompt = " ".join(text(row).split())
        seed = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4]) >> 1
        return ((prompt, seed), None) if prompt else None

    return read


DATASETS = (
    HubDataset(
        name="coco-captions",
        repo="yerevann/coco-karpathy",
        files=("data/test*.parquet",),
        split="test, first caption of each photograph",
        columns=("sentences",),
        read=_prompted(lambda row: row["sentences"][0]),
        licence="CC-BY-4.0",
        citation="Chen et al., arXiv 1504.00325",
        unit="image",
    ),
    HubDataset(
        name="diffusiondb",
        repo="poloclub/diffusiondb",
        files=("metadata.parquet",),
        split="2M, first 100 000 prompts",
        columns=("prompt",),
        read=_prompted(lambda row: row["prompt"]),
        licence="CC0-1.0",
        citation="Wang et al., ACL 2023, arXiv 2210.14896",
        unit="image",
        rows=100_000,
    ),
    HubDataset(
        name="nouns",
        repo="m1guelpf/nouns",
        files=("data/train*.parquet",),
        split="train",
        columns=("text",),
        read=_prompted(lambda row: row["text"]),
        licence="CC0-1.0",
        citation="Piedrafita, 2022",
        unit="image",
    ),
)
