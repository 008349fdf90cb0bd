"""Mean average precision of boxes at an overlap of 0.5, as COCO's evaluation computes it.

Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014 (arXiv 1405.0312); the rules are
those of ``COCOeval`` in pycocotools: within an image and class, detections are matched from the
most certain on, each with the free object that it overlaps most; precision is interpolated at 101
levels of recall; the mean is over the classes that have objects.

What belongs to one image is computed once, so that a sample can be resampled many times.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: least intersection over union of a detection with the object that it found
OVERLAP = 0.5
#: most detections that count, for each image and class (``maxDets``)
MOST = 100
_RECALLS = np.linspace(0, 1, 101)

Edges = tuple[float, float, float, float]


class Box(NamedTuple):
    """An object: its class, and its edges in any one unit."""

    name: str
    left: float
    top: float
    right: float
    bottom: float


class Detected(NamedTuple):
    """What a model found, and how certain it is."""

    name: str
    score: float
    left: float
    top: float
    right: float
    bottom: float


class _Matched(NamedTuple):
    """One image's detections of one class, most certain first, and how many objects it has."""

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]
    objects: int


@lru_cache(maxsize=65_536)
def detections(prediction: str) -> tuple[Detected, ...]:
    """Those of a prediction: JSON, a list of [class, score, left, top, right, bottom]."""
    return tuple(Detected(*found) for found in json.loads(prediction))


def overlap(one: Sequence[Any], other: Sequence[Any]) -> float:
    """Intersection over union of two boxes, given by their last four items; 0 if both are empty."""
    left, top, right, bottom = one[-4:]
    a, b, c, d = other[-4:]
    common = max(0.0, min(right, c) - max(left, a)) * max(0.0, min(bottom, d) - max(top, b))
    union = (right - left) * (bottom - top) + (c - a) * (d - b) - common
    return common / union if union > 0 else 0.0


def matches(found: Sequence[Detected], objects: Sequence[Box]) -> list[bool]:
    """Whether each detection, most certain first, finds an object of its class that is free."""
    free = list(objects)
    right = []
    for detected in found:
        near = [(overlap(detected, box), n) for n, box in enumerate(free) if box[0] == detected[0]]
        best, n = max(near, default=(0.0, -1))
        right.append(best >= OVERLAP)
        if best >= OVERLAP:
            del free[n]
    return right


def recall(found: Sequence[Detected], objects: Sequence[Box], threshold: float) -> float:
    """Part of the objects that detections with a score of ``threshold`` or more find; 1 where
    there are none."""
    certain = sorted((d for d in found if d.score >= threshold), key=lambda d: -d.score)
    return sum(matches(certain, objects)) / len(objects) if objects else 1.0


@lru_cache(maxsize=65_536)
def _matched(prediction: str, objects: tuple[Box, ...]) -> dict[str, _Matched]:
    """By class, for every class that was found or is there."""
    found: dict[str, list[Detected]] = {box.name: [] for box in objects}
    for detected in sorted(detections(prediction), key=lambda d: -d.score):
        found.setdefault(detected.name, []).append(detected)
    counts = Counter(box.name for box in objects)
    return {
        name: _Matched(
            np.array([d.score for d in ranked[:MOST]]),
            np.array(matches(ranked[:MOST], objects), bool),
            counts[name],
        )
        for name, ranked in found.items()
    }


def mean_average_precision(predictions: Sequence[str], labels: Sequence[tuple[Box, ...]]) -> float:
    """mAP at 0.5 over images, each with a prediction and its objects; 0 where there is no object.

    An image that comes twice counts twice.
    """
    by_class: dict[str, list[_Matched]] = {}
    for prediction, objects in zip(predictions, labels, strict=True):
        for name, matched in _matched(prediction, objects).items():
            by_class.setdefault(name, []).append(matched)
    occurring = [images for images in by_class.values() if any(m.objects for m in images)]
    return sum(map(_average_precision, occurring)) / max(len(occurring), 1)


def _average_precision(images: Sequence[_Matched]) -> float:
    scores = np.concatenate([m.scores for m in images])
    right = np.concatenate([m.right for m in images])[np.argsort(-scores, kind="stable")]
    if not len(right):
        return 0.0
    found = np.cumsum(right)
    precision = found / np.arange(1, len(found) + 1)
    # the best precision at this recall or a higher one
    best = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    recalls = found / sum(m.objects for m in images)
    return float(best[np.searchsorted(recalls, _RECALLS, side="left")].mean())
