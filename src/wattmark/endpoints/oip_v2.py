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
from wattmark.endpoints.outcomes import MalformedReplyError
from wattmark.errors import PlanError

#: numpy kind and bytes -> the protocol's name ("Tensor Data Types" of the specification)
_DATATYPES = {
    "b1": "BOOL",
    **{f"u{n}": f"UINT{8 * n}" for n in (1, 2, 4, 8)},
    **{f"i{n}": f"INT{8 * n}" for n in (1, 2, 4, 8)},
    **{f"f{n}": f"FP{8 * n}" for n in (2, 4, 8)},
}


def ready_path(model: str) -> str:
    """Where a server says by status 200 that the model is ready."""
    return f"/v2/models/{model}/ready"


def metadata_path(model: str) -> str:
    """Where a server lists the model's inputs and outputs."""
    return f"/v2/models/{model}"


def _tensor(name: str, value: NDArray[Any]) -> dict[str, Any]:
    kind = "b1" if value.dtype.kind == "b" else f"{value.dtype.kind}{value.dtype.itemsize}"
    if value.dtype.kind in "US":
        datatype, data = "BYTES", [str(v) for v in value.ravel()]
    elif kind in _DATATYPES:
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise PlanError(f"input {name!r} holds a value that JSON cannot say (NaN or infinity)")
        datatype, data = _DATATYPES[kind], value.ravel().tolist()
    else:
        raise PlanError(
            f"input {name!r} has type {value.dtype}, which the protocol does not know: "
            f"use booleans, integers, floats or text"
        )
    return {"name": name, "datatype": datatype, "shape": list(value.shape), "data": data}


class OipV2:
    """Inference by named tensors; a prompt is a mapping from input name to numpy array."""

    name = "oip-v2"

    def ask(self, model: str, prompt: Any) -> Ask:
        """The request. Raises PlanError where a tensor cannot be said in the protocol."""
        if not isinstance(prompt, Mapping) or not prompt:
            raise PlanError("a request by oip-v2 is a mapping from input names to arrays")
        inputs = [_tensor(name, np.asarray(value)) for name, value in prompt.items()]
        return Ask(f"/v2/models/{model}/infer", json.dumps({"inputs": inputs}).encode())

    def reader(self, content_type: str) -> Reader:
        """One object that holds ``outputs``."""
        return _Outputs()


class _Outputs:
    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def feed(self, body: bytes) -> int:
        self._parts.append(body)
        return 0

    def end(self) -> Reply:
        text = b"".join(self._parts)
        try:
            outputs = json.loads(text)["outputs"]
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
