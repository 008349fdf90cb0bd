"""What is put to a server: prompts of a file, or the examples of a task with their labels."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wattmark import registry
from wattmark.contracts import Task
from wattmark.errors import PlanError
from wattmark.planning import datasets
from wattmark.records import EndpointPlan

_TASK = "task:"
#: The task whose examples are asked where nothing else is said.
DEFAULT_TASKS = {
    "openai": "text-generation",
    "openai-completions": "text-generation",
    "openai-embeddings": "sentence-similarity",
}
#: What NumPy and zipfile raise for files that are damaged, encrypted or of another kind.
_UNREADABLE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Prompts:
    """What is asked in turn. ``labels`` are of ``task``, which is None for a file.

    ``digest`` is the sha256 over all of it.
    """

    asked: Sequence[Any]
    digest: str
    task: Task | None = None
    labels: Sequence[Any] = ()


def prompts(plan: EndpointPlan) -> Prompts:
    """The prompts that a plan names. Raises PlanError, AssetError and UnknownNameError.

    For the OpenAI APIs a text file holds a prompt a line, and a ``.jsonl`` file a text or a list
    of messages a line. For ``oip-v2`` an ``.npz`` file holds the input tensors by name, one request
    a row of their first axes; of a task, it is the tensors of the task's own model.
    """
    named = plan.prompts or _TASK + DEFAULT_TASKS.get(plan.api, "")
    if named == _TASK:
        raise PlanError(
            "oip-v2 asks with tensors: name a file of them (--prompts inputs.npz), or a task "
            "whose model's inputs the server takes (--prompts task:NAME)"
        )
    if named.startswith(_TASK):
        return _of_task(plan, named.removeprefix(_TASK))
    path = Path(named)
    try:
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise PlanError(f"the prompts in {named} cannot be read: {said}") from error
    asked = _tensors(path, raw) if plan.api == "oip-v2" else _texts(path, raw)
    return Prompts(asked, hashlib.sha256(raw).hexdigest())


def _of_task(plan: EndpointPlan, name: str) -> Prompts:
    task = registry.task(name)
    info, examples = datasets.load(task, (), plan.samples, plan.seed)
    asked: Sequence[Any] = [example.data for example in examples]
    if plan.api == "oip-v2":
        asked = registry.model(task.default_model, name).preprocess(asked)
        return Prompts(asked, info.data_digest)
    if plan.api == "openai-embeddings":
        asked = [list(data) if isinstance(data, tuple) else data for data in asked]
        fit = all(isinstance(text, str) for data in asked for text in _listed(data))
    else:
        fit = all(isinstance(data, str) for data in asked)
    if not fit:
        raise PlanError(f"the examples of {name} are no texts, so {plan.api} cannot ask them")
    return Prompts(asked, info.data_digest, task, [example.label for example in examples])


def _listed(data: Any) -> list[Any]:
    return data if isinstance(data, list) else [data]


def _texts(path: Path, raw: bytes) -> list[Any]:
    try:
        lines = [line for line in raw.decode("utf-8").splitlines() if line.strip()]
        asked = [json.loads(line) for line in lines] if path.suffix == ".jsonl" else lines
    except (ValueError, RecursionError) as error:
        raise PlanError(
            f"the prompts in {path} are not UTF-8 text or JSON lines: {error}"
        ) from None
    if not asked:
        raise PlanError(f"{path} holds no prompt")
    for number, prompt in enumerate(asked, 1):
        if not isinstance(prompt, str | list):
            raise PlanError(f"{path}, prompt {number}: neither a text nor a list of messages")
    return asked


def _tensors(path: Path, raw: bytes) -> list[dict[str, Any]]:
    try:
        file = np.load(io.BytesIO(raw), allow_pickle=False)
        arrays = {name: np.asarray(file[name]) for name in file.files}
    except _UNREADABLE as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise PlanError(f"{path} is not an .npz file of arrays: {said}") from error
    lengths = {len(array) if array.ndim else 0 for array in arrays.values()}
    if len(lengths) != 1 or lengths == {0}:
        raise PlanError(f"the arrays in {path} have no common first axis: one request a row")
    (count,) = lengths
    return [{name: array[row : row + 1] for name, array in arrays.items()} for row in range(count)]
