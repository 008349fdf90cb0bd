"""Read the weights of a CTranslate2 model (``model.bin``) as arrays; nothing in it is executed.

The layout, all little-endian, is that of ``python/ctranslate2/specs/model_spec.py`` in CTranslate2
(binary version 6): version uint32, name of the spec, revision uint32, number of variables uint32;
for each its name, rank uint8, shape uint32s, data type uint8, size in bytes uint32, data; then the
number of aliases uint32, and for each its name and that of the variable. A string is its length
uint16, with a closing zero byte, and the bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import CorruptArchiveError

VERSION = 6
#: data types by their number; bfloat16 (5) has no numpy type
TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)


@dataclass
class _Reader:
    path: Path
    data: bytes
    offset: int = 0

    def take(self, size: int) -> bytes:
        piece = self.data[self.offset : self.offset + size]
        if len(piece) < size:
            raise CorruptArchiveError(f"{self.path.name} is cut short at {len(self.data)} bytes")
        self.offset += size
        return piece

    def number(self, form: str) -> int:
        value: int = struct.unpack(f"<{form}", self.take(struct.calcsize(form)))[0]
        return value

    def text(self) -> str:
        return self.take(self.number("H")).rstrip(b"\0").decode("utf-8", "replace")

    def array(self, name: str) -> NDArray[Any]:
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind, data = self.number("B"), self.take(self.number("I"))
        if kind >= len(TYPES):
            raise CorruptArchiveError(f"{self.path.name}: {name} has the unknown type {kind}")
        values = np.frombuffer(data, np.dtype(TYPES[kind]).newbyteorder("<"))
        if values.size != int(np.prod(shape, dtype=np.int64)):
            raise CorruptArchiveError(
                f"{self.path.name}: {name} has {values.size} values for the shape {shape}"
            )
        return values.reshape(shape)


def read_weights(path: Path, spec: str) -> dict[str, NDArray[Any]]:
    """Every variable of the model by its name, as stored, read-only; aliases are left out.

    ``spec`` is the model family that is expected, such as "WhisperSpec". Raises
    CorruptArchiveError for a file of another family or version, or one that is damaged.
    """
    reader = _Reader(path, path.read_bytes())
    version = reader.number("I")
    if version != VERSION:
        raise CorruptArchiveError(
            f"{path.name} is no CTranslate2 model of binary version {VERSION}: it begins with "
            f"{version}"
        )
    found = reader.text()
    if found != spec:
        raise CorruptArchiveError(f"{path.name} holds a {found!r}, not a {spec!r}")
    reader.number("I")  # the spec's revision
    variables = {}
    for _ in range(reader.number("I")):
        name = reader.text()
        variables[name] = reader.array(name)
    return variables
