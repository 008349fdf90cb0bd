"""Image captioning: photographs and drawings, without labels.

The task's metrics are for the captions of its rendered scenes: exact match, and CIDEr-D with word
frequencies of those captions. On what people wrote of photographs they would mislead, so cost
alone is measured on these. RedCaps, the third set of the AI Energy Score, is a list of links; its
share is in ``aies-sample``.
"""

from __future__ import annotations

from wattmark.tasks.hub.dataset import CONVERTED, HubDataset, aies_sample
from wattmark.tasks.hub.image_classification import unlabelled

DATASETS = (
    HubDataset(
        name="coco-2014",
        repo="lmms-lab/COCO-Caption",
        files=("data/val*.parquet",),
        split="val, first file",
        columns=("image",),
        read=unlabelled,
        licence="annotations CC-BY-4.0; photographs: Flickr terms",
        citation="Chen et al., arXiv 1504.00325",
        unit="image",
        shards=1,
    ),
    HubDataset(
        name="new-yorker",
        repo="jmhessel/newyorker_caption_contest",
        revision=CONVERTED,
        files=("explanation/test*.parquet",),
        split="explanation, test",
        columns=("image",),
        read=unlabelled,
        licence="CC-BY-4.0",
        citation="Hessel et al., ACL 2023, arXiv 2209.06293",
        unit="image",
    ),
    aies_sample(
        "image_captioning",
        "image",
        unlabelled,
        "COCO, RedCaps and the New Yorker caption contest",
        unit="image",
    ),
)
