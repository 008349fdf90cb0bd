"""From a picture to a detector's input of fixed size, after ``preprocessor_config.json``.

transformers' processors of the DETR family keep a picture's aspect, so that every picture has a
size of its own, and fill up a batch with the mean colour on the right and below. A compiled
program has one size: a square with 4/3 of the shorter side that the settings ask for (in whole
32 pixels). A picture of 4:3, upright or not, is scaled as the library scales it; a longer one is
scaled to fit; what is left is filled as the library fills a batch. It is the library's own result
for ``size={"shortest_edge": ..., "longest_edge": side}`` and ``pad_size`` of that square.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wattmark.contracts import Inputs
from wattmark.errors import InputError
from wattmark.models.hub.hub_image_processor import Picture, normalised, rgb

_BLOCK = 32


@dataclass(frozen=True)
class DetectionProcessor:
    """``shortest`` is the shorter side's pixels; None to stretch to height x width. Scaled sides
    are cut to a multiple of ``multiple``."""

    height: int
    width: int
    shortest: int | None
    multiple: int
    resample: int
    factor: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def __call__(self, picture: Picture) -> Inputs:
        """``image`` (1, 3, height, width), and ``covered`` (1, 2), the part of its width and
        height that the picture takes. Raises MissingPackageError."""
        pixels = rgb(picture)
        from PIL import Image

        width, height = self._scaled(*pixels.size)
        pixels = pixels.resize((width, height), Image.Resampling(self.resample))
        image = np.zeros((1, 3, self.height, self.width), np.float32)
        shown = normalised(pixels, self.factor, self.mean, self.deviation)
        image[:, :, :height, :width] = shown
        covered = np.array([[width / self.width, height / self.height]], np.float32)
        return {"image": image, "covered": covered}

    def _scaled(self, width: int, height: int) -> tuple[int, int]:
        if self.shortest is None:
            return self.width, self.height
        short, long = sorted((width, height))
        # of a long picture the shorter side follows from the longer, and then that from it
        side = min(float(self.shortest), self.height * short / long)
        ends = round(side), int(side * long / short)
        kept = [max(self.multiple, end - end % self.multiple) for end in ends]
        return (kept[0], kept[1]) if width < height else (kept[1], kept[0])


def detection_processor(
    settings: Mapping[str, Any], model: str, multiple: int = 1
) -> DetectionProcessor:
    """The processor that the settings describe. Raises InputError for what is not supported."""
    unsupported = [
        key for key in ("do_flip_channel_order", "do_reduce_labels") if settings.get(key)
    ]
    if settings.get("do_resize") is False:
        unsupported.append("images as large as they are")
    try:
        if not settings or unsupported:
            raise ValueError(", ".join(unsupported) or "nothing is there")
        size = settings["size"]
        if not isinstance(size, Mapping):
            size = {"shortest_edge": size, "longest_edge": settings.get("max_size", size)}
        if shortest := size.get("shortest_edge"):
            side = min(4 * int(shortest) / 3, int(size.get("longest_edge") or 1333))
            height = width = -int(-side // _BLOCK) * _BLOCK
        else:
            height, width = int(size["height"]), int(size["width"])
        normal = settings.get("do_normalize", True)
        rescaled = settings.get("do_rescale", True)
        return DetectionProcessor(
            height=height,
            width=width,
            shortest=int(shortest) if shortest else None,
            multiple=multiple,
            resample=int(settings.get("resample", 2)),
            factor=float(settings.get("rescale_factor", 1 / 255)) if rescaled else 1.0,
            mean=tuple(map(float, settings["image_mean"])) if normal else (0.0,) * 3,
            deviation=tuple(map(float, settings["image_std"])) if normal else (1.0,) * 3,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"preprocessor_config.json of {model} cannot be followed ({error!r}): choose a model "
            "whose pictures are scaled, normalised and padded, and nothing else"
        ) from error
