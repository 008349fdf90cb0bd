"""From a picture to a detector's input of fixed size, after ``preprocessor_config.json``.

transformers' processors of the DETR family keep a picture's aspect, so that every picture has a
size of its own, and fill up a batch with the mean colour on the right and below. A compiled
program has one size: a square with 4/3 of the shorter side that the settings ask for (in whole
32 pixels). A picture of 4:3, upright or not, is scaled as the library scales it; a longer one is
scaled to fit; what is left is filled as the library fills a batch. The library does it, asked
for ``size={"shortest_edge": ..., "longest_edge": side}`` and ``pad_size`` of that square.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wattmark.contracts import Inputs
from wattmark.models.hub.hub_image_processor import (
    Picture,
    cannot_be_followed,
    image_processor,
    library_processor,
    pixel_values,
    rgb,
)

_BLOCK = 32
#: the library's own where the settings name no longest side
_LONGEST = 1333


@dataclass(frozen=True)
class DetectionProcessor:
    """``padded``: pictures keep their aspect and are filled up to height x width, in pixels."""

    height: int
    width: int
    padded: bool
    library: Any

    def __call__(self, picture: Picture) -> Inputs:
        """``image`` (1, 3, height, width), and ``covered`` (1, 2), the part of its width and
        height that the picture takes. Raises MissingPackageError."""
        size = {"height": self.height, "width": self.width}
        filled = {"pad_size": size} if self.padded else {}
        found = self.library(rgb(picture), return_tensors="np", **filled)
        covered = np.ones((1, 2), np.float32)
        if self.padded:
            mask = np.asarray(found["pixel_mask"])[0]
            covered[0] = mask.any(0).mean(), mask.any(1).mean()
        return {"image": pixel_values(found), "covered": covered}


def detection_processor(
    settings: Mapping[str, Any], config: Mapping[str, Any], model: str
) -> DetectionProcessor:
    """The processor that ``preprocessor_config.json`` (and ``config.json``) describe.

    Raises InputError for what is not supported, and MissingPackageError.
    """
    try:
        size = settings["size"]
        if not isinstance(size, Mapping):
            size = {"shortest_edge": size, "longest_edge": settings.get("max_size", size)}
        shortest = int(size.get("shortest_edge") or 0)
        side = min(4 * shortest / 3, int(size.get("longest_edge") or _LONGEST))
    except (KeyError, TypeError, ValueError) as error:
        raise cannot_be_followed(model, error) from error
    if not shortest:
        fixed = image_processor(settings, config, model)
        return DetectionProcessor(fixed.height, fixed.width, False, fixed.library)
    square = -int(-side // _BLOCK) * _BLOCK
    scaled = {"shortest_edge": shortest, "longest_edge": square}
    written = {key: value for key, value in settings.items() if key != "max_size"}
    library = library_processor(written, config, model, size=scaled, do_pad=True)
    return DetectionProcessor(square, square, True, library)
