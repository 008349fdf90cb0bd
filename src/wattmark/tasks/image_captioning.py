"""Image captioning: say what a rendered scene shows. Exact match, and CIDEr-D beside it.

The scenes come from the project's own generator, :mod:`wattmark.tasks.scenes`, which gives each
exactly one right caption. Scenes are held out by a hash of their caption, so that a model trained
on the rest has met none of the captions that it is asked for. See ``image_captioning.md``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import islice
from typing import Any

import numpy as np

from wattmark.contracts import Example, Sensitivity
from wattmark.records import TaskInfo, content_digest
from wattmark.tasks.cider import CiderD
from wattmark.tasks.scenes import contents, render, scenes
from wattmark.tasks.scoring import mean_score

SOURCE = "rendered-scenes"
#: captions that give CIDEr-D its document frequencies, and the seed that draws them
CORPUS, CORPUS_SEED = 4000, 0


@cache
def _consensus() -> CiderD:
    drawn = contents(np.random.default_rng(CORPUS_SEED), evaluation=True)
    return CiderD([[shown.caption] for shown in islice(drawn, CORPUS)])


@lru_cache(maxsize=65536)
def _cider(prediction: str, label: str) -> float:
    return _consensus().score(prediction, [label])


def cider_of(predictions: Sequence[str], labels: Sequence[str]) -> float:
    """Mean CIDEr-D, 0 to 10, by the document frequencies of a fixed corpus.

    The corpus is 4 000 held-out captions. As they are not those of the sample, the figure does
    not depend on the sample's size, and resampling does not change what a word weighs.
    """
    return mean_score(_cider, predictions, labels)


class ImageCaptioning:
    """Captions of rendered scenes; one reference for each."""

    name = "image-captioning"
    default_model = "scene-captioner"
    metric = "exact match"
    higher_is_better = True
    sensitivity = Sensitivity(0.95, 1000, changed=0.02)
    #: further metrics over a sample, by name
    also: Mapping[str, Callable[[Sequence[str], Sequence[Any]], float]] = {"CIDEr-D": cider_of}

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """Images, RGB (64, 64, 3) uint8, with their captions (``str``).

        The first n of a sample are the sample of n by the same seed.
        """
        drawn = list(islice(scenes(np.random.default_rng(seed), evaluation=True), samples))
        info = TaskInfo(
            name=self.name,
            unit="image",
            metric=self.metric,
            samples=len(drawn),
            data_digest=content_digest([dataclasses.asdict(scene) for scene in drawn]),
            licence="Apache-2.0",
            sources=("wattmark.tasks.scenes: scenes rendered with exact captions, held out",),
            description="captions of rendered scenes of one to three groups of coloured shapes",
        )
        return info, [Example(render(scene), scene.caption, SOURCE) for scene in drawn]

    def predict(self, output: str) -> str:
        """The caption as it is."""
        return output

    def score(self, prediction: str, label: str) -> float:
        """1 where every word is right and in its place; white space does not count."""
        return float(prediction.split() == label.split())

    def quality(self, predictions: Sequence[str], labels: Sequence[str]) -> float:
        """Share of exact matches."""
        return mean_score(self.score, predictions, labels)
