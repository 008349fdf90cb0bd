"""The Open Inference Protocol, version 2, over REST with JSON tensors (KServe, Triton).

Paths and fields are those of the protocol's published REST specification ("inference_rest").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmark.endpoints.api import Ask, Reader, Reply
from wattmark.endpoints.outcomes import MalformedReplyError, ReportedError
from wattmark.endpoints.reported_errors import reported_error
from wattmark.errors import InputError

#: numpy kind and bytes -> the protocol's name ("Tensor Data Types" of the specification)
_DATATYPES = {
    "b1": "BOOL",
    **{f"u{n}": f"UINT{8 * n}" for n in (1, 2, 4, 8)},
    **{f"i{n}": f"INT{8 * n}" for n in (1, 2, 4, 8)},
    **{f"f{n}": f"FP{8 * n}" for n in (2, 4, 8)},
}


def datatype(dtype: np.dtype[Any]) -> str | None:
    """The protocol's name of a numpy type of numbers; None for one that it does not know."""
    kind = "b1" if dtype.kind == "b" else f"{dtype.kind}{dtype.itemsize}"
    return _DATATYPES.get(kind)


def _tensor(name: str, value: NDArray[Any]) -> dict[str, Any]:
    kind = "BYTES" if value.dtype.kind in "US" else datatype(value.dtype)
    if kind is None:
        raise InputError(
            f"input {name!r} has type {value.dtype}, which the protocol does not know: "
            f"use booleans, integers, floats or text"
        )
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise InputError(f"input {name!r} holds a value that JSON cannot say (NaN or infinity)")
    data = [str(v) for v in value.ravel()] if kind == "BYTES" else value.ravel().tolist()
    return {"name": name, "datatype": kind, "shape": list(value.shape), "data": data}


class OipV2:
    """Inference by named tensors; a prompt is a mapping from input name to numpy array."""

    name = "oip-v2"
    left_out: tuple[str, ...] = ()

    def ask(self, model: str, prompt: Any) -> Ask:
        """The request. Raises InputError where a tensor cannot be said in the protocol."""
        if not isinstance(prompt, Mapping) or not prompt:
            raise InputError("a request by oip-v2 is a mapping from input names to arrays")
        inputs = [_tensor(name, np.asarray(value)) for name, value in prompt.items()]
        return Ask(f"/v2/models/{model}/infer", json.dumps({"inputs": inputs}).encode())

    def reader(self, content_type: str) -> Reader:
        """One object that holds ``outputs``."""
        return _Outputs()

    def easier(self, refusal: str) -> None:
        """Nothing can be left out."""
        return


class _Outputs:
    finished = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def feed(self, body: bytes) -> int:
        self._parts.append(body)
        return 0

    def end(self) -> Reply:
        text = b"".join(self._parts)
        try:
            value = json.loads(text)
            if isinstance(value, dict) and (said := reported_error(value)) is not None:
                raise ReportedError(said)
            outputs = value["outputs"]
            for tensor in outputs:
                shape = [int(n) for n in tensor["shape"]]
                if len(np.asarray(tensor["data"]).ravel()) != int(np.prod(shape)):
                    raise MalformedReplyError(
                        f"output {tensor['name']!r} does not hold as many values as its "
                        f"shape {shape} says"
                    )
        except (ValueError, KeyError, TypeError) as error:
            raise MalformedReplyError(f"not a reply with 'outputs': {text[:80]!r}") from error
        if not outputs:
            raise MalformedReplyError("the reply holds no output")
        return Reply()
