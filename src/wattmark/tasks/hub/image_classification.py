"""Image classification: photographs. Only ImageNet's have a class that the task knows."""

from __future__ import annotations

from wattmark.tasks.hub.dataset import HubDataset, Row, aies_sample
from wattmark.tasks.hub.tables import encoded

CLASSES = 1000


def _labelled(row: Row) -> tuple[bytes, int]:
    """A photograph and its class, 0 to 999."""
    label = int(row["label"])
    if not 0 <= label < CLASSES:
        raise ValueError(f"the class is {label}: this part of the data has no labels")
    return encoded(row["image"]), label


def unlabelled(row: Row) -> tuple[bytes, None]:
    """An image alone, as encoded bytes."""
    return encoded(row["image"]), None


DATASETS = (
    HubDataset(
        name="imagenet",
        repo="ILSVRC/imagenet-1k",
        files=("data/validation*.parquet",),
        split="validation, first file",
        columns=("image",),
        label_columns=("label",),
        label="class index, 0 to 999",
        read=_labelled,
        licence="ImageNet terms of access (non-commercial research)",
        citation="Russakovsky et al., IJCV 2015, arXiv 1409.0575",
        gated=True,
        shards=1,
    ),
    HubDataset(
        name="food-101",
        repo="ethz/food101",
        files=("data/validation*.parquet",),
        split="validation, first file",
        columns=("image",),
        read=unlabelled,
        licence="not stated; photographs of foodspotting.com",
        citation="Bossard, Guillaumin and Van Gool, ECCV 2014",
        shards=1,
    ),
    HubDataset(
        name="beans",
        repo="AI-Lab-Makerere/beans",
        files=("data/test*.parquet",),
        split="test",
        columns=("image",),
        read=unlabelled,
        licence="MIT",
        citation="Makerere AI Lab, 2020",
    ),
    aies_sample("image_classification", "image", unlabelled, "ImageNet, Food-101 and Beans"),
)
