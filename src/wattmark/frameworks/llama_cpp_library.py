"""llama.cpp's C interface (``llama.h``, ``ggml.h``), as the package ``xllamacpp`` carries it.

``xllamacpp`` itself offers a server; what is needed here is one call of the graph. Its extension
module exports llama.cpp's own functions, and these are called by ``ctypes``.

Two parameter structures grow from version to version. Only fields whose place can be told are
touched: their defaults are looked for, and where they are not found the library is refused.
"""

from __future__ import annotations

import ctypes
import struct
import weakref
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import FrameworkError

#: Larger than either structure has ever been; a callee reads only as much as it knows.
_STRUCTURE_BYTES = 1024
#: First fields of llama_context_params (n_ctx, n_batch, n_ubatch, n_seq_max) and their defaults.
_CONTEXT_HEAD = struct.Struct("<4I")
_CONTEXT_DEFAULTS = (512, 2048, 512, 1)
#: Four enumerations that default to -1 (rope scaling, pooling, attention, flash attention).
_UNSPECIFIED = (-1, -1, -1, -1)
_FLASH_ATTENTION_OFF = 0
#: type_k and type_v stand side by side, among zeros; both default to F16.
_GGML_F32, _GGML_F16 = 0, 1
_TYPES = (0, _GGML_F16, _GGML_F16, 0)


class _Parameters(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_byte * _STRUCTURE_BYTES)]


class _Batch(ctypes.Structure):
    """``llama_batch``: tokens with their places and sequences, and which of them to answer."""

    _fields_ = [
        ("n_tokens", ctypes.c_int32),
        ("token", ctypes.POINTER(ctypes.c_int32)),
        ("embd", ctypes.POINTER(ctypes.c_float)),
        ("pos", ctypes.POINTER(ctypes.c_int32)),
        ("n_seq_id", ctypes.POINTER(ctypes.c_int32)),
        ("seq_id", ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
        ("logits", ctypes.POINTER(ctypes.c_int8)),
    ]


@cache
def library() -> ctypes.CDLL:
    """The library with the types of the functions that are used. Raises FrameworkError."""
    import xllamacpp

    path = Path(xllamacpp.__file__).with_name("xllamacpp.abi3.so")
    try:
        lib = ctypes.CDLL(str(path))
        _declare(lib)
    except (OSError, AttributeError) as error:
        raise FrameworkError(
            f"this build of xllamacpp does not offer llama.cpp's C interface ({error}): "
            "install the version that Wattmark's constraints name"
        ) from error
    lib.llama_log_set(_QUIET, None)
    lib.llama_backend_init()
    return lib


_LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_QUIET = _LOG(lambda level, text, data: None)


def _declare(lib: ctypes.CDLL) -> None:
    pointer, int32, size = ctypes.c_void_p, ctypes.c_int32, ctypes.c_size_t
    int64 = ctypes.c_int64
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "llama_log_set": (None, [_LOG, pointer]),
        "llama_backend_init": (None, []),
        "llama_model_default_params": (_Parameters, []),
        "llama_context_default_params": (_Parameters, []),
        "llama_model_load_from_file": (pointer, [ctypes.c_char_p, _Parameters]),
        "llama_init_from_model": (pointer, [pointer, _Parameters]),
        "llama_model_free": (None, [pointer]),
        "llama_free": (None, [pointer]),
        "llama_set_n_threads": (None, [pointer, int32, int32]),
        "llama_get_memory": (pointer, [pointer]),
        "llama_memory_clear": (None, [pointer, ctypes.c_bool]),
        "llama_batch_init": (_Batch, [int32, int32, int32]),
        "llama_decode": (int32, [pointer, _Batch]),
        "llama_get_logits_ith": (ctypes.POINTER(ctypes.c_float), [pointer, int32]),
        "ggml_row_size": (size, [ctypes.c_int, int64]),
        "ggml_quantize_chunk": (
            size,
            [ctypes.c_int, pointer, pointer, int64, int64, int64, pointer],
        ),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments


def quantized(array: NDArray[np.float32], kind: int) -> NDArray[np.uint8]:
    """The rows of a matrix (n, m) in llama.cpp's format ``kind`` (a ``ggml_type``).

    Bytes (n, bytes a row), by llama.cpp's own code without an importance matrix. m must be a
    multiple of the format's block.
    """
    lib = library()
    rows, width = array.shape
    source = np.ascontiguousarray(array, np.float32)
    target = np.empty((rows, lib.ggml_row_size(kind, width)), np.uint8)
    lib.ggml_quantize_chunk(kind, source.ctypes.data, target.ctypes.data, 0, rows, width, None)
    return target


class Context:
    """A loaded GGUF file with a cache for ``sequences`` sequences of ``context`` tokens each.

    ``exact`` keeps the cache in F32 instead of F16. Raises FrameworkError where the file cannot
    be loaded (cut short, another architecture) or memory is lacking.
    """

    def __init__(
        self,
        path: Path,
        *,
        vocabulary: int,
        context: int,
        sequences: int,
        tokens: int,
        threads: int,
        exact: bool,
    ) -> None:
        self._lib = library()
        self._model = self._lib.llama_model_load_from_file(
            str(path).encode(), self._lib.llama_model_default_params()
        )
        if not self._model:
            raise FrameworkError(
                f"llama.cpp cannot load {path.name}: it is cut short or damaged, or of an "
                "architecture that this version does not know; prepare it again"
            )
        parameters = self._lib.llama_context_default_params()
        _set_context(parameters, context * sequences, tokens, sequences, exact)
        self._context = self._lib.llama_init_from_model(self._model, parameters)
        if not self._context:
            self._lib.llama_model_free(self._model)
            raise FrameworkError(f"llama.cpp has no memory for {sequences} x {context} tokens")
        self._lib.llama_set_n_threads(self._context, threads, threads)
        # also at the interpreter's end, while the library is still whole
        weakref.finalize(self, _free, self._lib, self._context, self._model)
        self._batch = self._lib.llama_batch_init(tokens, 0, 1)
        self._vocabulary = vocabulary

    def clear(self) -> None:
        """Forget all sequences."""
        self._lib.llama_memory_clear(self._lib.llama_get_memory(self._context), True)

    def decode(
        self,
        tokens: NDArray[np.int64],
        start: NDArray[np.int64],
        last: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Logits (rows, vocabulary) after index ``last`` of each row of ``tokens`` (rows, length).

        Row r is sequence r and continues it at position ``start[r]``. What lies behind ``last``
        is padding and is not computed.
        """
        batch, count, answers = self._batch, 0, []
        for row, (begin, end) in enumerate(zip(start.tolist(), last.tolist(), strict=True)):
            for offset, token in enumerate(tokens[row, : end + 1].tolist()):
                batch.token[count] = token
                batch.pos[count] = begin + offset
                batch.n_seq_id[count] = 1
                batch.seq_id[count][0] = row
                batch.logits[count] = offset == end
                count += 1
            answers.append(count - 1)
        batch.n_tokens = count
        if status := self._lib.llama_decode(self._context, batch):
            raise FrameworkError(f"llama.cpp could not compute {count} tokens (status {status})")
        return np.stack([self._logits(index) for index in answers])

    def _logits(self, index: int) -> NDArray[np.float32]:
        pointer = self._lib.llama_get_logits_ith(self._context, index)
        return np.ctypeslib.as_array(pointer, (self._vocabulary,))


def _free(lib: ctypes.CDLL, context: int, model: int) -> None:
    lib.llama_free(context)
    lib.llama_model_free(model)


def _set_context(
    parameters: _Parameters, context: int, tokens: int, sequences: int, exact: bool
) -> None:
    raw = bytearray(bytes(parameters.bytes))
    if _CONTEXT_HEAD.unpack_from(raw) != _CONTEXT_DEFAULTS:
        raise _other_layout()
    _CONTEXT_HEAD.pack_into(raw, 0, context, tokens, tokens, sequences)
    if exact:
        # flash attention rounds to half precision on its way, and the cache is half by default
        struct.pack_into("<i", raw, _place_of(raw, _UNSPECIFIED) + 12, _FLASH_ATTENTION_OFF)
        struct.pack_into("<2i", raw, _place_of(raw, _TYPES) + 4, _GGML_F32, _GGML_F32)
    ctypes.memmove(ctypes.addressof(parameters), bytes(raw), len(raw))


def _place_of(raw: bytearray, words: tuple[int, int, int, int]) -> int:
    """The only place among the structure's first words that holds these four."""
    wanted = struct.pack("<4i", *words)
    found = [at for at in range(16, 160, 4) if raw[at : at + 16] == wanted]
    if len(found) != 1:
        raise _other_layout()
    return found[0]


def _other_layout() -> FrameworkError:
    return FrameworkError(
        "llama_context_params has another layout in this version of xllamacpp: install the one "
        "that Wattmark's constraints name"
    )
