"""Image classifiers of the hub with the 1 000 classes of ImageNet: ``...ForImageClassification``.

Images are prepared by transformers, with Pillow, as ``preprocessor_config.json`` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.contracts import Inputs, InputSpec, Network, Output, Pipeline
from wattmark.errors import InputError
from wattmark.models.hub.hub_encoder import load_pretrained
from wattmark.models.hub.hub_files import ModelFiles
from wattmark.models.hub.hub_image_processor import ImageProcessor, image_processor
from wattmark.pipelines.forward import Forward
from wattmark.records import ModelInfo

if TYPE_CHECKING:
    import torch

CLASSES = 1000
#: in the first class's name, wherever classes are in ImageNet's order
_FIRST = "tench"


class HubImageClassification:
    """Image in, 1 000 logits out: shapes (1, 3, height, width) float32 and (1, 1000)."""

    task = "image-classification"

    def __init__(self, name: str) -> None:
        self.name = name
        self._files = ModelFiles(name, self.task, ("ForImageClassification",))

    @cached_property
    def _processor(self) -> ImageProcessor:
        """Raises InputError where the classes are not ImageNet's, or images not of fixed size."""
        named = self._files.config.get("id2label") or {}
        first = str(named.get("0", ""))
        ordered = _FIRST in first.casefold() or first.casefold() in ("label_0", "0")
        if len(named) != CLASSES or not ordered:
            some = ", ".join(str(label) for label in list(named.values())[:3])
            raise InputError(
                f"{self.name} has {len(named)} classes ({some}, ...), but the task {self.task} "
                f"asks for the {CLASSES} of ImageNet in their order: choose a model with them"
            )
        settings = self._files.settings("preprocessor_config.json")
        return image_processor(settings, self._files.config, self.name)

    def info(self) -> ModelInfo:
        """Identity. Raises AssetError, and InputError where the model does not fit the task."""
        return self._files.info({"size": (self._processor.height, self._processor.width)})

    def networks(self) -> tuple[Network, ...]:
        """One, "forward", of fixed size."""
        shape = (1, 3, self._processor.height, self._processor.width)
        return (Network("forward", (InputSpec("image", "float32", shape),), self._build),)

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """One call. Raises UnsupportedSetupError for any option."""
        return Forward(options)

    def preprocess(self, examples: Sequence[Path | bytes]) -> list[Inputs]:
        """Image files (paths or encoded bytes) as normalised inputs."""
        return [{"image": self._processor(example)} for example in examples]

    def postprocess(self, output: Output, inputs: Inputs) -> Output:
        """The 1 000 logits, as they are."""
        return output

    def _build(self) -> torch.nn.Module:
        import torch

        class Classifier(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
            """Image (n, 3, height, width) to logits (n, 1000)."""

            def __init__(self, model: torch.nn.Module) -> None:
                super().__init__()
                self.model = model

            def forward(self, image: torch.Tensor) -> torch.Tensor:
                return self.model(pixel_values=image).logits

        return Classifier(load_pretrained(self._files, "AutoModelForImageClassification")).eval()
