"""The Open Inference Protocol, version 2, over REST with JSON tensors: the server's side.

Paths and fields are those of the protocol's published REST specification ("inference_rest").
"""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from numpy.typing import NDArray

from wattmark.batching.asyncio_batcher import AsyncioBatcher
from wattmark.contracts import Inputs
from wattmark.endpoints.oip_v2 import datatype
from wattmark.errors import InputError
from wattmark.serving.loaded import LoadedModel, Query
from wattmark.serving.refusals import require_model


def routes(loaded: LoadedModel, batcher: AsyncioBatcher) -> APIRouter:
    """Metadata, health and inference of one model."""
    router = APIRouter(prefix="/v2")

    @router.get("")
    async def server() -> dict[str, Any]:
        return {"name": "wattmark", "version": "2", "extensions": []}

    @router.get("/health/live")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @router.get("/health/ready")
    async def ready() -> dict[str, bool]:
        return {"ready": True}

    @router.get("/models/{name}/ready")
    async def model_ready(name: str) -> dict[str, Any]:
        require_model(name, loaded.name)
        return {"name": name, "ready": True}

    @router.get("/models/{name}")
    async def metadata(name: str) -> dict[str, Any]:
        require_model(name, loaded.name)
        (network, *_) = loaded.networks
        inputs = [
            {
                "name": spec.name,
                "datatype": datatype(np.dtype(spec.dtype)),
                "shape": [-1, *(n if isinstance(n, int) else -1 for n in spec.shape[1:])],
            }
            for spec in network.inputs
        ]
        output = loaded.output
        shape = [-1, *output.shape[1:]]
        outputs = [{"name": "output", "datatype": datatype(output.dtype), "shape": shape}]
        platform = loaded.setup.label
        return {"name": name, "platform": platform, "inputs": inputs, "outputs": outputs}

    @router.post("/models/{name}/infer")
    async def infer(name: str, request: Request) -> JSONResponse:
        require_model(name, loaded.name)
        if loaded.generates:
            raise InputError(f"{name} generates text: ask it by /v1/completions")
        rows = _rows(loaded, await _body(request))
        asked = [batcher.ask(Query(row), loaded.bucket(row)) for row in rows]
        found: list[Any] = await asyncio.gather(*asked, return_exceptions=True)
        for output in found:
            if isinstance(output, BaseException):
                raise output
        together: NDArray[Any] = np.concatenate(found)
        tensor = {
            "name": "output",
            "datatype": datatype(together.dtype),
            "shape": list(together.shape),
            "data": together.ravel().tolist(),
        }
        return JSONResponse({"model_name": name, "outputs": [tensor]})

    return router


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as error:
        raise InputError(f"the request is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise InputError("the request is not a JSON object")
    return body


def _rows(loaded: LoadedModel, body: dict[str, Any]) -> list[Inputs]:
    """The queries of a request, one a row of its tensors' first axes. Raises InputError."""
    given = body.get("inputs")
    if not isinstance(given, list) or not all(isinstance(tensor, dict) for tensor in given):
        raise InputError("the request has no list of 'inputs'")
    tensors = {str(tensor.get("name")): tensor for tensor in given}
    if set(tensors) == {"text"}:
        return _of_texts(loaded, tensors["text"])
    (network, *_) = loaded.networks
    expected = {spec.name: np.dtype(spec.dtype) for spec in network.inputs}
    if set(tensors) != set(expected):
        raise InputError(
            f"the inputs are {', '.join(sorted(tensors)) or 'none'}, and {loaded.name} takes "
            f"{', '.join(expected)} (or text, of type BYTES)"
        )
    arrays = {name: _array(tensors[name], dtype) for name, dtype in expected.items()}
    if len({len(array) for array in arrays.values()}) != 1:
        raise InputError("the inputs differ in their first axis, which counts the queries")
    count = len(next(iter(arrays.values())))
    rows = [{name: array[n : n + 1] for name, array in arrays.items()} for n in range(count)]
    for row in rows[:1]:
        loaded.bucket(row)  # refuses a shape before anything is computed
    return rows


def _of_texts(loaded: LoadedModel, tensor: dict[str, Any]) -> list[Inputs]:
    texts = tensor.get("data")
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise InputError("'text' holds no list of texts under 'data'")
    return loaded.encoded(texts)


def _array(tensor: dict[str, Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    name = tensor.get("name")
    if tensor.get("datatype") != datatype(dtype):
        raise InputError(f"input {name!r} is {tensor.get('datatype')}, not {datatype(dtype)}")
    try:
        array = np.asarray(tensor["data"], dtype).reshape([int(n) for n in tensor["shape"]])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"input {name!r} cannot be read: {error}") from None
    if array.ndim == 0 or not len(array):
        raise InputError(f"input {name!r} holds no query")
    return array
