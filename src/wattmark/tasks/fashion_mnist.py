"""Fashion-MNIST: 70 000 photographs of clothes, 28 x 28 pixels, ten classes.

Xiao et al., "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms",
2017 (arXiv 1708.07747), MIT licence, from Debian's package. Only training and the reference
statistics need it; the task image-generation does not.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattmark.assets import PackageRef, resolve
from wattmark.errors import AssetError

IMAGE_SIZE = 28
#: names of the classes, in the order of their numbers; those of the data set's authors
CLASSES = (
    *("t-shirt", "trousers", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
_FOLDER = "usr/share/datasets/fashion-mnist"
DATA = PackageRef(
    registry="debian",
    name="dataset-fashion-mnist",
    version="0.0~git20200523.55506a9-1",
    sha256="39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    members=(f"*{_FOLDER}/*.gz",),
    licence="MIT",
    description="Fashion-MNIST, training and test set",
)

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


def training_set() -> tuple[Images, Labels]:
    """Images (60000, 28, 28) of 0 to 255 and their classes (60000,). Raises AssetError."""
    return _read("train", 60_000)


def test_set() -> tuple[Images, Labels]:
    """Images (10000, 28, 28) of 0 to 255 and their classes (10000,). Raises AssetError."""
    return _read("t10k", 10_000)


def _read(part: str, count: int) -> tuple[Images, Labels]:
    asset = resolve(DATA)
    images = _values(asset.path(f"{_FOLDER}/{part}-images-idx3-ubyte.gz"), 16, count * 28 * 28)
    labels = _values(asset.path(f"{_FOLDER}/{part}-labels-idx1-ubyte.gz"), 8, count)
    return images.reshape(count, IMAGE_SIZE, IMAGE_SIZE), labels.astype(np.int64)


def _values(path: Path, header: int, count: int) -> NDArray[np.uint8]:
    """The bytes of an IDX file (http://yann.lecun.com/exdb/mnist) after its header."""
    values = np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8)[header:]
    if len(values) != count:
        raise AssetError(f"{path.name} holds {len(values)} values, {count} were expected")
    return values
