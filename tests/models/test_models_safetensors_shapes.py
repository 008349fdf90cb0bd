"""Shapes of stored weights, and files that are no such thing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from wattmark.errors import CorruptArchiveError
from wattmark.models.weights.safetensors_shapes import weight_shapes

numpy_files = pytest.importorskip("safetensors.numpy")


def written(folder: Path, header: object, data: bytes = b"") -> Path:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    file = folder / "model.safetensors"
    file.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return file


def entry(shape: list[int], *ends: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": list(ends)}


def test_shapes_by_name(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    weights = {"a": np.zeros((2, 3), np.float32), "b.c": np.zeros((), np.float16)}
    numpy_files.save_file(weights, file, {"format": "pt"})
    assert weight_shapes(file, "m") == {"a": (2, 3), "b.c": ()}


def test_numbers_that_numpy_does_not_have_are_no_matter(tmp_path: Path) -> None:
    file = written(tmp_path, {"a": entry([2, 2], 0, 8, dtype="BF16")}, bytes(8))
    assert weight_shapes(file, "m") == {"a": (2, 2)}


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ({"a": entry([2], 0, 8)}, bytes(7)),  # cut short
        ({"a": entry([2], 0, 8)}, bytes(9)),  # something behind it
        ({"a": entry([3], 0, 8)}, bytes(8)),  # more numbers than bytes
        ({"a": entry([-1], 0, 8)}, bytes(8)),
        ({"a": entry([2**62, 8], 0, 8)}, bytes(8)),  # the product overflows
        ({"a": entry([2], 4, 12)}, bytes(12)),  # a hole in front
        ({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, bytes(12)),  # one in the other
        ({"a": {"dtype": "F32"}}, b""),
        ({"a": 3}, b""),
        ([1, 2], b""),
        (b"<html>", b""),
        (b"\xff\xfe", b""),
        (b"[" * 5000, b""),
    ],
)
def test_a_file_that_lies_is_refused(tmp_path: Path, header: object, data: bytes) -> None:
    with pytest.raises(
        CorruptArchiveError, match=r"x of m is no whole safetensors file .*: fetch it again"
    ):
        weight_shapes(written(tmp_path, header, data), "x of m")


@pytest.mark.parametrize("content", [b"", b"1234", b"\xff" * 8, b"\xff" * 7 + b"\x7f{}"])
def test_a_header_longer_than_the_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(CorruptArchiveError, match="is no whole safetensors file"):
        weight_shapes(file, "m")
