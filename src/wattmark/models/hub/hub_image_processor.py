"""From an image file to a network's input, as a repository's ``preprocessor_config.json`` says.

The image processors of ``transformers`` do it, those that need Pillow alone: the same numbers on
every machine, with torchvision installed or not. No code of a repository is run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import InputError, MissingPackageError

if TYPE_CHECKING:
    from PIL.Image import Image

#: an image file, its bytes, or RGB pixels (height, width, 3) of 0 to 255
Picture = Path | bytes | NDArray[np.uint8]

#: what the library raises, at making or at work, for settings that it cannot follow
LIBRARY_ERRORS = (AttributeError, ImportError, IndexError, KeyError, OSError, TypeError, ValueError)

#: pictures (width, height) that show whether all become of one size
_TRIED = ((96, 64), (64, 96), (80, 80))
_LONGEST_SIDE = 4096


@dataclass(frozen=True)
class ImageProcessor:
    """A processor of the library whose images are all of one size, in pixels."""

    height: int
    width: int
    library: Any

    def __call__(self, image: Picture) -> NDArray[np.float32]:
        """The image as (1, 3, height, width). Raises MissingPackageError."""
        return pixel_values(self.library(rgb(image), return_tensors="np"))


def rgb(image: Picture) -> Image:
    """The picture, opened. Raises MissingPackageError."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPackageError("images need pillow: install wattmark[torch]") from error
    if isinstance(image, np.ndarray):
        return Image.fromarray(np.asarray(image, np.uint8)).convert("RGB")
    with Image.open(BytesIO(image) if isinstance(image, bytes) else image) as opened:
        return opened.convert("RGB")


def pixel_values(found: Mapping[str, Any]) -> NDArray[np.float32]:
    """What the library made of a picture, (1, 3, height, width)."""
    return np.ascontiguousarray(found["pixel_values"], np.float32)


def image_processor(
    settings: Mapping[str, Any], config: Mapping[str, Any], model: str
) -> ImageProcessor:
    """The processor that ``preprocessor_config.json`` (and ``config.json``) describe.

    Raises InputError where the library does not know it, or images would differ in size, and
    MissingPackageError.
    """
    library = library_processor(settings, config, model)
    shapes = set()
    try:
        for width, height in _TRIED:
            tried = np.zeros((height, width, 3), np.uint8)
            shapes.add(pixel_values(library(rgb(tried), return_tensors="np")).shape)
    except LIBRARY_ERRORS as error:
        raise cannot_be_followed(model, error) from error
    if len(shapes) > 1 or len(shape := shapes.pop()) != 4 or shape[:2] != (1, 3):
        raise InputError(
            f"preprocessor_config.json of {model} gives images no fixed size of three colours: "
            "choose a model whose images are scaled or cropped to one"
        )
    return ImageProcessor(shape[2], shape[3], library)


def library_processor(
    settings: Mapping[str, Any], config: Mapping[str, Any], model: str, **changed: Any
) -> Any:
    """The library's processor, with some settings changed.

    It reads a folder, so it is given one that holds these settings and nothing else: what is
    not a part of the model's identity has no say. Raises InputError, MissingPackageError.
    """
    try:
        import transformers
    except ImportError as error:
        raise MissingPackageError(f"{model} needs transformers: install wattmark[torch]") from error
    # older releases tell the two kinds apart by another word
    newer = hasattr(transformers, "ViTImageProcessorPil")
    pillow: dict[str, Any] = {"backend": "pil"} if newer else {"use_fast": False}
    written = {key: value for key, value in settings.items() if key != "auto_map"} | changed
    try:
        if not settings:
            raise ValueError("it is missing")
        _require_sides(written)
        with TemporaryDirectory() as folder:
            (Path(folder) / "preprocessor_config.json").write_text(json.dumps(written))
            kind = {"model_type": config.get("model_type")}
            (Path(folder) / "config.json").write_text(json.dumps(kind))
            return transformers.AutoImageProcessor.from_pretrained(
                folder, trust_remote_code=False, local_files_only=True, **pillow
            )
    except LIBRARY_ERRORS as error:
        raise cannot_be_followed(model, error) from error


def cannot_be_followed(model: str, error: Exception) -> InputError:
    """The error of settings that the library refuses."""
    said = " ".join(str(error).split())
    return InputError(
        f"preprocessor_config.json of {model} cannot be followed ({said[:300]}): choose a model "
        "whose images transformers prepares with Pillow"
    )


def _require_sides(settings: Mapping[str, Any]) -> None:
    """Raises ValueError for a size that would fill the memory."""
    for key in ("size", "crop_size", "pad_size", "max_size"):
        value = settings.get(key)
        for side in value.values() if isinstance(value, Mapping) else [value]:
            if isinstance(side, int | float) and not 0 < side <= _LONGEST_SIDE:
                raise ValueError(f"{key} has a side of {side:g} pixels, not 1 to {_LONGEST_SIDE}")
