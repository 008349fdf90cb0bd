"""Detectors of the hub that learned COCO: YOLOS, DETR and RT-DETR, without suppression of boxes.

Fang et al., "You Only Look at One Sequence", NeurIPS 2021 (arXiv 2106.00666); Carion et al.,
"End-to-End Object Detection with Transformers", ECCV 2020 (arXiv 2005.12872); Zhao et al., "DETRs
Beat YOLOs on Real-time Object Detection", CVPR 2024 (arXiv 2304.08069).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from wattmark.contracts import Inputs, InputSpec, Network, Output, Pipeline
from wattmark.contracts.coco import COCO_CLASSES, coco_spelling
from wattmark.errors import InputError
from wattmark.models.hub.hub_detection_processor import DetectionProcessor, detection_processor
from wattmark.models.hub.hub_encoder import load_pretrained
from wattmark.models.hub.hub_files import ModelFiles
from wattmark.models.hub.hub_image_processor import Picture
from wattmark.models.yolov3_tiny import Detection
from wattmark.pipelines.forward import Forward
from wattmark.records import ModelInfo

if TYPE_CHECKING:
    import torch

#: families, and whether a box has one class (softmax, the last for "nothing") or any number
_SOFTMAX, _SIGMOID = ("yolos", "detr"), ("rt_detr", "rt_detr_v2")
#: lowest score that is kept: a precision-recall curve needs the uncertain ones too
THRESHOLD = 0.01


class HubObjectDetection:
    """Picture in, boxes out: (1, 3, height, width) float32 and (1, boxes, classes + 4) float32.

    A box is the logits of its classes, then its centre, width and height in parts of the picture.
    """

    task = "object-detection"

    def __init__(self, name: str) -> None:
        self.name = name
        self._files = ModelFiles(name, self.task, ("ForObjectDetection",))

    @cached_property
    def _family(self) -> str:
        family = str(self._files.config.get("model_type"))
        if family not in (*_SOFTMAX, *_SIGMOID):
            raise InputError(
                f"{self.name} is a detector of the family {family!r}; those that can be run are "
                f"{', '.join((*_SOFTMAX, *_SIGMOID))}"
            )
        return family

    @cached_property
    def _classes(self) -> dict[int, str]:
        """Number and name of the classes that COCO has. Raises AssetError, InputError."""
        named = self._files.config.get("id2label") or {}
        classes = {int(number): coco_spelling(str(name)) for number, name in named.items()}
        if known := {n: name for n, name in classes.items() if name in COCO_CLASSES}:
            return known
        some = ", ".join(list(classes.values())[:3]) or "none"
        raise InputError(
            f"{self.name} has {len(classes)} classes ({some}, ...) and none of COCO's, but the "
            f"task {self.task} asks for these: choose a detector trained on COCO"
        )

    @cached_property
    def _processor(self) -> DetectionProcessor:
        settings = self._files.settings("preprocessor_config.json")
        return detection_processor(settings, {"model_type": self._family}, self.name)

    def info(self) -> ModelInfo:
        """Identity. Raises AssetError, and InputError where the model does not fit the task."""
        size = self._processor.height, self._processor.width
        return self._files.info({"size": size, "classes": sorted(self._classes.items())})

    def networks(self) -> tuple[Network, ...]:
        """One, "forward", of fixed size; ``covered`` is the picture's part of it."""
        shape = (1, 3, self._processor.height, self._processor.width)
        inputs = (InputSpec("image", "float32", shape), InputSpec("covered", "float32", (1, 2)))
        return (Network("forward", inputs, self._build),)

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """One call. Raises UnsupportedSetupError for any option."""
        return Forward(options)

    def preprocess(self, examples: Sequence[Picture]) -> list[Inputs]:
        """Pictures, scaled into the top left of a canvas of the mean colour."""
        return [self._processor(example) for example in examples]

    def postprocess(self, output: Output, inputs: Inputs) -> list[Detection]:
        """(class, score, left, top, right, bottom), most certain first; edges in parts of the
        picture. As ``post_process_object_detection`` of transformers, with a threshold of 0.01.

        Classes that COCO does not have are left out.
        """
        logits, boxes = output[0, :, :-4].astype(np.float64), output[0, :, -4:]
        if self._family in _SOFTMAX:
            shares = np.exp(logits - logits.max(-1, keepdims=True))
            scores = shares[:, :-1] / shares.sum(-1, keepdims=True)
            rows, classes = np.arange(len(scores)), scores.argmax(-1)
        else:
            scores = 1 / (1 + np.exp(-logits))
            best = np.argsort(-scores, axis=None, kind="stable")[: len(scores)]
            rows, classes = np.unravel_index(best, scores.shape)
        centre, half = boxes[:, :2], boxes[:, 2:] / 2
        corners = np.concatenate([centre - half, centre + half], 1).clip(0, 1)
        found: list[Detection] = []
        for row, number in zip(rows.tolist(), classes.tolist(), strict=True):
            score = float(scores[row, number])
            if score > THRESHOLD and number in self._classes:
                left, top, right, bottom = corners[row].tolist()
                found.append((self._classes[number], score, left, top, right, bottom))
        return sorted(found, key=lambda detection: -detection[1])

    def _build(self) -> torch.nn.Module:
        import torch

        model = load_pretrained(self._files, "AutoModelForObjectDetection")
        if self._family == "yolos":
            _fix_positions(model, (self._processor.height, self._processor.width))

        class Detector(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
            """Image (n, 3, height, width) and covered (n, 2) to (n, boxes, classes + 4)."""

            def __init__(self) -> None:
                super().__init__()
                self.model = model

            def forward(self, image: torch.Tensor, covered: torch.Tensor) -> torch.Tensor:
                found = self.model(pixel_values=image)
                boxes = found.pred_boxes / torch.cat([covered, covered], 1)[:, None]
                return torch.cat([found.logits, boxes], 2)

        return Detector().eval()


def _fix_positions(yolos: Any, size: tuple[int, int]) -> None:
    """Put the position embeddings of one size in the place of their interpolation."""
    import torch

    class Fixed(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, embeddings: torch.Tensor) -> None:
            super().__init__()
            self.register_buffer("embeddings", embeddings, persistent=False)

        def forward(self, *ignored: Any) -> torch.Tensor:
            return self.embeddings

    first, body = yolos.vit.embeddings, yolos.vit.encoder
    with torch.no_grad():
        first.interpolation = Fixed(first.interpolation(first.position_embeddings, size))
        if body.interpolation is not None:
            body.interpolation = Fixed(body.interpolation(size))
