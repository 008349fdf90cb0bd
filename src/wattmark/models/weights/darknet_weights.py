"""Read a Darknet ``.weights`` file: a header, then float32 values in the order of the layers.

Redmon, "Darknet: Open Source Neural Networks in C", ``load_weights_upto`` and
``load_convolutional_weights`` in ``src/parser.c``.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import CorruptArchiveError


def read_weights(path: Path, count: int) -> NDArray[np.float32]:
    """The file's ``count`` values.

    Raises CorruptArchiveError where the file is cut short or holds another number of them.
    """
    data = path.read_bytes()
    if len(data) < 12:
        raise CorruptArchiveError(f"{path.name} is cut short in its header")
    major, minor, _ = struct.unpack_from("<3i", data)
    # the number of images seen in training became a 64-bit one with version 0.2
    header = 20 if major * 10 + minor >= 2 else 16
    body = data[header:]
    if len(body) != 4 * count:
        raise CorruptArchiveError(
            f"{path.name} holds {len(body) / 4:g} values; this network needs {count}"
        )
    return np.frombuffer(body, "<f4").astype(np.float32)
