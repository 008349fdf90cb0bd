"""From an image file to a network's input, as a repository's ``preprocessor_config.json`` says.

The rules are those of the image processors of ``transformers`` with Pillow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import InputError, MissingPackageError

if TYPE_CHECKING:
    from PIL.Image import Image

#: an image file, its bytes, or RGB pixels (height, width, 3) of 0 to 255
Picture = Path | bytes | NDArray[np.uint8]

#: settings that would change the image in a way that is not done here
_UNKNOWN = ("do_pad", "do_flip_channel_order", "do_reduce_labels", "include_top", "rescale_offset")
#: processors that crop by a part of the image (``crop_pct``) and those with rules of their own
_CROP_PART, _OTHER = ("ConvNext", "ConvNeXT"), ("EfficientNet", "Timm", "MobileViT", "Perceiver")


@dataclass(frozen=True)
class ImageProcessor:
    """Scale (``shortest`` is the shorter side's pixels; None for exactly height x width), take the
    centre, then (pixel * factor - mean) / deviation for each channel."""

    height: int
    width: int
    shortest: int | None
    resample: int
    factor: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    resized: tuple[int, int] | None = None

    def __call__(self, image: Picture) -> NDArray[np.float32]:
        """The image as (1, 3, height, width). Raises MissingPackageError."""
        pixels = rgb(image)
        from PIL import Image

        size = self.resized or (self.width, self.height)
        if self.shortest is not None:
            short = min(pixels.size)
            width, height = (int(self.shortest * side / short) for side in pixels.size)
            size = (width, height)
        pixels = pixels.resize(size, Image.Resampling(self.resample))
        left, top = (size[0] - self.width) // 2, (size[1] - self.height) // 2
        pixels = pixels.crop((left, top, left + self.width, top + self.height))
        return normalised(pixels, self.factor, self.mean, self.deviation)


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


def normalised(
    pixels: Image, factor: float, mean: Sequence[float], deviation: Sequence[float]
) -> NDArray[np.float32]:
    """(pixel * factor - mean) / deviation for each channel, shape (1, 3, height, width)."""
    scaled = np.asarray(pixels, np.float32) * np.float32(factor)
    normal = (scaled - np.array(mean, np.float32)) / np.array(deviation, np.float32)
    return np.ascontiguousarray(normal.astype(np.float32).transpose(2, 0, 1)[None])


def image_processor(settings: Mapping[str, Any], model: str) -> ImageProcessor:
    """The processor that the settings describe. Raises InputError for what is not supported."""

    def refuse(what: str) -> InputError:
        return InputError(
            f"preprocessor_config.json of {model} {what}: choose a model whose images are scaled, "
            "cropped and normalised, and nothing else"
        )

    kind = str(settings.get("image_processor_type") or settings.get("feature_extractor_type", ""))
    unknown = [key for key in _UNKNOWN if settings.get(key)]
    if settings.get("do_resize") is False:
        unknown.append("images as large as they are")
    if not settings or kind.startswith(_OTHER) or unknown:
        raise refuse(f"asks for {', '.join(unknown) or kind or 'nothing, or is missing'}")
    try:
        size = settings["size"]
        if not isinstance(size, Mapping):
            cropped = settings.get("do_center_crop") or kind.startswith(_CROP_PART)
            size = {"shortest_edge": size} if cropped else {"height": size, "width": size}
        shortest = size.get("shortest_edge")
        resized = None if shortest else (int(size["width"]), int(size["height"]))
        if kind.startswith(_CROP_PART) and shortest:
            side = int(shortest)
            crop = {"height": side, "width": side}
            # as ConvNextImageProcessor: large images are scaled to the square itself
            part = float(settings.get("crop_pct") or 224 / 256)
            shortest, resized = (None, (side, side)) if side >= 384 else (int(side / part), None)
        elif settings.get("do_center_crop"):
            crop = settings["crop_size"]
            crop = crop if isinstance(crop, Mapping) else {"height": crop, "width": crop}
        elif resized:
            crop = size
        else:
            raise refuse("gives images no fixed size")
        normal = settings.get("do_normalize", True)
        return ImageProcessor(
            height=int(crop["height"]),
            width=int(crop["width"]),
            shortest=int(shortest) if shortest else None,
            resample=int(settings["resample"]),
            factor=float(settings.get("rescale_factor", 1 / 255))
            if settings.get("do_rescale", True)
            else 1.0,
            mean=tuple(map(float, settings["image_mean"])) if normal else (0.0,) * 3,
            deviation=tuple(map(float, settings["image_std"])) if normal else (1.0,) * 3,
            resized=resized,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise refuse(f"lacks what is needed ({error!r})") from error
