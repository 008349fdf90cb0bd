"""Which class of Fashion-MNIST an image shows: a small convolutional network, in numpy.

The judge of the task image-generation. It is independent of the models that it judges, and it was
trained by ``training/train_fashion_classifier.py``; accuracy and recipe are in the task's card.
Three times 3 x 3 convolution, ReLU and 2 x 2 maximum; then 64 features and 10 classes.
"""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import AssetError

WEIGHTS = Path(__file__).with_name("fashion_classifier.npz")
CONVOLUTIONS = 3
FEATURES = 64

Array = NDArray[np.float32]


def classify(images: NDArray[np.uint8]) -> tuple[Array, Array]:
    """Logits (n, 10) and penultimate features (n, 64) of images (n, 28, 28) of 0 to 255.

    Raises AssetError where the weights cannot be read.
    """
    weights = read_arrays(WEIGHTS)
    x = images[..., None].astype(np.float32) / np.float32(255)
    for layer in range(CONVOLUTIONS):
        x = _convolved(x, weights[f"kernel{layer}"], weights[f"bias{layer}"])
        x = _halved(np.maximum(x, 0))
    flat = x.reshape(len(x), -1)
    features = np.maximum(flat @ weights["dense"] + weights["dense_bias"], 0)
    return features @ weights["classes"] + weights["classes_bias"], features


@cache
def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays of a file that the training script wrote, as float32. Raises AssetError."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name].astype(np.float32) for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise AssetError(
            f"{path.name}, which image-generation judges with, cannot be read ({error}): "
            f"reinstall wattmark, or make it with training/train_fashion_classifier.py"
        ) from error


def _convolved(x: Array, kernel: Array, bias: Array) -> Array:
    """3 x 3 convolution of x (n, h, w, c) with a border of zeros; kernel (c * 9, outputs)."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return windows.reshape(*x.shape[:3], -1) @ kernel + bias


def _halved(x: Array) -> Array:
    """Maximum of each 2 x 2; a last row and column of an odd size are dropped."""
    n, height, width, channels = x.shape
    even = x[:, : height // 2 * 2, : width // 2 * 2]
    halved: Array = even.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))
    return halved
