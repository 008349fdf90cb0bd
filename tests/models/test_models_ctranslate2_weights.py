from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wattmark.errors import CorruptArchiveError
from wattmark.models.weights.ctranslate2_weights import TYPES, read_weights


def text(value: str) -> bytes:
    data = value.encode() + b"\0"
    return struct.pack("<H", len(data)) + data


def written(variables: dict[str, np.ndarray], version: int = 6, spec: str = "WhisperSpec") -> bytes:
    parts = [struct.pack("<I", version), text(spec), struct.pack("<II", 3, len(variables))]
    for name, values in variables.items():
        kind = [np.dtype(t) for t in TYPES].index(values.dtype)
        shape = struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        parts += [text(name), shape, struct.pack("<BI", kind, values.nbytes), values.tobytes()]
    parts += [struct.pack("<I", 1), text("alias"), text("name")]
    return b"".join(parts)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=20).filter(lambda name: not name.endswith("\0")),
        st.sampled_from(TYPES).flatmap(
            lambda t: arrays.arrays(t, arrays.array_shapes(min_dims=0, max_side=4))
        ),
        max_size=4,
    )
)
def test_what_was_written_is_read(tmp_path_factory, variables):
    path = tmp_path_factory.mktemp("model") / "model.bin"
    path.write_bytes(written(variables))
    read = read_weights(path, "WhisperSpec")
    assert list(read) == list(variables)
    for name, values in variables.items():
        assert read[name].dtype == values.dtype
        np.testing.assert_array_equal(read[name], values)


VARIABLES = {"layer/weight": np.arange(6, dtype=np.float16).reshape(2, 3)}


def test_file_that_is_cut_anywhere_in_its_variables_is_refused(tmp_path):
    whole = written(VARIABLES)
    path = tmp_path / "model.bin"
    for length in range(len(whole) - len(struct.pack("<I", 1) + text("alias") + text("name"))):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptArchiveError, match="cut short"):
            read_weights(path, "WhisperSpec")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (written(VARIABLES, version=5), "begins with 5"),
        (written(VARIABLES, spec="TransformerSpec"), "'TransformerSpec', not a 'WhisperSpec'"),
        (written(VARIABLES).replace(struct.pack("<BI", 4, 12), struct.pack("<BI", 5, 12)),
         "unknown type 5"),
        (written(VARIABLES).replace(struct.pack("<2I", 2, 3), struct.pack("<2I", 2, 4)),
         "6 values for the shape"),
    ],
)  # fmt: skip
def test_other_or_damaged_file_is_named_as_such(tmp_path, content, said):
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(CorruptArchiveError, match=said):
        read_weights(path, "WhisperSpec")
