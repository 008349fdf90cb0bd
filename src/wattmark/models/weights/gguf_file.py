"""Read GGUF files, the format of llama.cpp: metadata, tensor table, tensors as float32.

The layout is that of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3,
little-endian. The package ``gguf`` turns quantised blocks into numbers (``gguf.quants``); its own
reader makes a numpy view of each of a vocabulary's strings, which takes seconds, so that the
header is read here.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import CorruptArchiveError, MissingPackageError

_SCALARS = dict(zip((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12), "BbHhIif?Qqd", strict=True))
_STRING, _ARRAY = 8, 9
_UINT32, _UINT64 = "I", "Q"


@dataclass(frozen=True)
class GgufTensor:
    """Where a tensor lies. ``shape`` has the slowest axis first, as numpy's."""

    shape: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True)
class GgufFile:
    """A file's metadata and tensors; ``array`` reads one of them."""

    path: Path
    metadata: Mapping[str, Any]
    tensors: Mapping[str, GgufTensor]

    def value(self, key: str) -> Any:
        """Metadata under ``key``. Raises CorruptArchiveError where there is none."""
        if key not in self.metadata:
            raise CorruptArchiveError(f"{self.path.name} has no metadata {key!r}")
        return self.metadata[key]

    def array(self, name: str) -> NDArray[np.float32]:
        """The tensor as float32, de-quantised. Raises CorruptArchiveError, MissingPackageError."""
        try:
            from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
            from gguf.quants import dequantize
        except ImportError as error:
            raise MissingPackageError("GGUF files need gguf: install wattmark[torch]") from error
        if name not in self.tensors:
            raise CorruptArchiveError(f"{self.path.name} has no tensor {name!r}")
        tensor = self.tensors[name]
        kind = GGMLQuantizationType(tensor.kind)
        block, size = GGML_QUANT_SIZES[kind]
        rows, width = tensor.shape[:-1], tensor.shape[-1] // block * size
        try:
            stored = np.memmap(self.path, np.uint8, "r", tensor.offset, (*rows, width))
        except ValueError as error:
            raise CorruptArchiveError(
                f"{self.path.name} is cut short: it ends before its tensor {name!r} does"
            ) from error
        if kind in (GGMLQuantizationType.F32, GGMLQuantizationType.F16):
            return stored.view(np.float32 if size == 4 else np.float16).astype(np.float32)
        numbers: NDArray[np.float32] = dequantize(stored, kind)
        return numbers


def read_gguf(path: Path) -> GgufFile:
    """Metadata and tensor table of a file. Raises CorruptArchiveError."""
    with path.open("rb") as stream:
        content = memoryview(stream.read(64 << 20))  # the header of a 150 k vocabulary takes 10 MB
    header = _Header(content)
    try:
        if bytes(content[:4]) != b"GGUF":
            raise CorruptArchiveError(f"{path.name} is not a GGUF file: it lacks the mark 'GGUF'")
        header.at = 4
        if (version := header.number(_UINT32)) not in (2, 3):
            raise CorruptArchiveError(f"{path.name} is GGUF version {version}; 2 and 3 can be read")
        tensor_count, pair_count = header.number(_UINT64), header.number(_UINT64)
        metadata = dict(header.pair() for _ in range(pair_count))
        tensors = dict(header.tensor() for _ in range(tensor_count))
    except (struct.error, KeyError, UnicodeDecodeError, ValueError) as error:
        raise CorruptArchiveError(f"{path.name} is cut short or damaged: {error}") from error
    alignment = int(metadata.get("general.alignment", 32))
    data = -(-header.at // alignment) * alignment
    placed = {
        name: GgufTensor(tensor.shape, tensor.kind, data + tensor.offset)
        for name, tensor in tensors.items()
    }
    return GgufFile(path, metadata, placed)


class _Header:
    """Reads values one after another from ``at``."""

    def __init__(self, content: memoryview) -> None:
        self.content = content
        self.at = 0

    def number(self, code: str) -> Any:
        [value] = struct.unpack_from("<" + code, self.content, self.at)
        self.at += struct.calcsize("<" + code)
        return value

    def text(self) -> str:
        length = self.number(_UINT64)
        value = bytes(self.content[self.at : self.at + length])
        if len(value) != length:
            raise ValueError("a text goes beyond the end of the file")
        self.at += length
        return value.decode()

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            inner, count = self.number(_UINT32), self.number(_UINT64)
            return [self.value(inner) for _ in range(count)]
        return self.number(_SCALARS[kind])

    def pair(self) -> tuple[str, Any]:
        key = self.text()
        return key, self.value(self.number(_UINT32))

    def tensor(self) -> tuple[str, GgufTensor]:
        name = self.text()
        axes = [self.number(_UINT64) for _ in range(self.number(_UINT32))]
        return name, GgufTensor(tuple(reversed(axes)), self.number(_UINT32), self.number(_UINT64))
