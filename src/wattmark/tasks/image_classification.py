"""Image classification: 20 photographs of the ImageNet validation set, top-1 accuracy.

The photographs ship with the package ``foolbox``, label in the file name. Twenty say little of a
model's accuracy (the Wilson interval of 18/20 is 0.70 to 0.97): they are a sanity check with real
images, to put beside the cost. Russakovsky et al., "ImageNet Large Scale Visual Recognition
Challenge", IJCV 2015; the images are for non-commercial research and are fetched, never shipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wattmark.assets import PackageRef, resolve
from wattmark.contracts import Example, Output, Sensitivity
from wattmark.errors import AssetError
from wattmark.records import TaskInfo, content_digest

PHOTOGRAPHS = PackageRef(
    name="foolbox",
    version="3.3.4",
    sha256="11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb",
    members=("foolbox/data/imagenet_*.jpg",),
    licence="ImageNet terms of access (non-commercial research); package MIT",
    description="20 photographs of ImageNet",
)

SOURCE = "imagenet-foolbox"


class ImageClassification:
    """Which of 1 000 classes does the photograph show? Labels are class indices 0 to 999."""

    name = "image-classification"
    default_model = "efficientnet-lite0"
    metric = "accuracy"
    higher_is_better = True
    sensitivity = Sensitivity(0.75, 20, changed=0.02)

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """At most 20 photographs (``Path``) in an order drawn by ``seed``. Raises AssetError."""
        asset = resolve(PHOTOGRAPHS)
        names = sorted(asset.files)
        order = np.random.default_rng(seed).permutation(len(names))[:samples]
        drawn = [names[i] for i in order]
        info = TaskInfo(
            name=self.name,
            unit="query",
            metric=self.metric,
            samples=len(drawn),
            data_digest=content_digest([[asset.files[n], _label(n)] for n in drawn]),
            licence=PHOTOGRAPHS.licence,
            sources=(f"{PHOTOGRAPHS.label}, sha256 {PHOTOGRAPHS.sha256}",),
            description=f"top-1 on {len(drawn)} of {len(names)} ImageNet photographs",
        )
        return info, [Example(asset.path(n), _label(n), SOURCE) for n in drawn]

    def predict(self, logits: Output) -> str:
        """Index of the largest of the logits, shape (1, 1000)."""
        return str(int(np.argmax(logits)))

    def score(self, prediction: str, label: int) -> float:
        """1 where the class is right."""
        return float(prediction == str(label))

    def quality(self, predictions: Sequence[str], labels: Sequence[int]) -> float:
        """Share of photographs whose class is right."""
        return float(np.mean(np.array(predictions) == np.array(labels).astype(str)))


def _label(name: str) -> int:
    """Class index from ``imagenet_NN_LABEL.jpg``."""
    label = Path(name).stem.rpartition("_")[2]
    if not label.isdigit():
        raise AssetError(f"{name} has no class index in its name")
    return int(label)
