"""Models named ``hub:ORG/NAME[@REVISION]`` or ``folder:PATH``: their files, read as data.

Weights are safetensors only; a pickle may run code when it is read and is never opened, and no
code of a repository is ever run. A folder is laid out like a repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattmark.assets import Asset, FolderRef, resolve
from wattmark.errors import AssetError, CorruptArchiveError, MissingPackageError, PlanError
from wattmark.models.hub_repository import hub_asset
from wattmark.records import ModelInfo, canonical_digest

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

CONFIG, TOKENIZER = "config.json", "tokenizer.json"
#: what is read beside the weights, where it is there
SETTINGS = (
    CONFIG,
    TOKENIZER,
    "tokenizer_config.json",
    "chat_template.jinja",
    "generation_config.json",
    "preprocessor_config.json",
    "modules.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
)
_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
_OTHER_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".gguf", ".onnx")
_NAME = re.compile(r"hub:(?P<repo>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[\w./-]+))?")


def model_files(names: Iterable[str], label: str) -> tuple[str, ...]:
    """Those of a repository's files that are read: settings, tokenizer, safetensors weights.

    Raises AssetError, naming what is there, where config.json or the weights are missing.
    """
    found = set(names)
    if CONFIG not in found:
        raise AssetError(
            f"{label} has no {CONFIG}: give a model laid out as transformers' save_pretrained "
            "does it"
        )
    shards = sorted(filter(_SHARD.fullmatch, found))
    weights = [_WEIGHTS] if _WEIGHTS in found else [*shards, _INDEX] if shards else []
    if not weights or not found.issuperset(weights):
        others = sorted(name for name in found if name.endswith(_OTHER_WEIGHTS))
        there = f"; it has {', '.join(others[:4])}" if others else ""
        raise AssetError(
            f"{label} has no {_WEIGHTS}{there}: other formats may run code when they are read, or "
            "hold other numbers; choose a revision with safetensors, or save it with "
            "save_pretrained"
        )
    return tuple(name for name in (*SETTINGS, *weights) if name in found)


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model for a task. Nothing is fetched or read before it is needed.

    ``architectures`` are endings of the classes of transformers that fit the task, such as
    "ForQuestionAnswering". Raises PlanError where ``name`` cannot be a model's.
    """

    name: str
    task: str
    architectures: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.name.removeprefix("folder:") in ("", self.name) and not _NAME.fullmatch(self.name):
            raise PlanError(
                f"{self.name!r} names no model: write hub:ORG/NAME, hub:ORG/NAME@REVISION or "
                "folder:PATH"
            )

    @cached_property
    def _located(self) -> tuple[Asset, str]:
        hub = _NAME.fullmatch(self.name)
        if hub is None:
            asset = resolve(FolderRef(path=Path(self.name.removeprefix("folder:"))))
            return asset, f"folder {asset.folder}"
        asset, commit = hub_asset(hub["repo"], hub["revision"] or "main", model_files)
        return asset, f"hub repository {hub['repo']} at {commit}"

    @property
    def folder(self) -> Path:
        """Where they lie. Raises AssetError."""
        return self._located[0].folder

    @cached_property
    def digests(self) -> dict[str, str]:
        """The sha256 of each file that is read. Raises AssetError."""
        files = self._located[0].files
        return {name: files[name] for name in model_files(files, self.name)}

    @cached_property
    def config(self) -> dict[str, Any]:
        """config.json. Raises AssetError, and PlanError where the model does not fit the task."""
        config = self.settings(CONFIG)
        named = [str(name) for name in config.get("architectures") or ()]
        if not any(name.endswith(self.architectures) for name in named):
            raise PlanError(
                f"{self.name} does not fit the task {self.task}: its architecture is "
                f"{', '.join(named) or 'not named'}, the task needs one that ends with "
                f"{' or '.join(self.architectures)}"
            )
        return config

    def settings(self, file: str) -> dict[str, Any]:
        """One of the JSON files; empty where it is not there. Raises AssetError."""
        try:
            found = json.loads(self.text(file) or "{}")
        except ValueError as error:
            raise CorruptArchiveError(f"{file} of {self.name} is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise CorruptArchiveError(f"{file} of {self.name} holds no JSON object")
        return found

    def text(self, file: str) -> str:
        """A text file; empty where it is not there. Raises AssetError."""
        if file not in self.digests:
            return ""
        try:
            return (self.folder / file).read_text(encoding="utf-8")
        except ValueError as error:
            raise CorruptArchiveError(f"{file} of {self.name} is no text: {error}") from error

    def size(self, key: str) -> int:
        """A number of config.json. Raises AssetError where there is none."""
        value = self.config.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise AssetError(f"{CONFIG} of {self.name} has no number {key!r}, but {value!r}")
        return value

    def tokenizer(self) -> Tokenizer:
        """From tokenizer.json, without padding.

        Raises AssetError where it is missing or has tokens that the embedding has no row for, and
        MissingPackageError.
        """
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingPackageError(
                f"{self.name} needs tokenizers: install wattmark[torch]"
            ) from error
        if TOKENIZER not in self.digests:
            raise AssetError(
                f"{self.name} has no {TOKENIZER}: write one by loading it with transformers' "
                "AutoTokenizer and save_pretrained"
            )
        try:
            tokenizer = Tokenizer.from_file(str(self.folder / TOKENIZER))
        except Exception as error:  # tokenizers has no error class of its own
            raise CorruptArchiveError(f"{TOKENIZER} of {self.name}: {error}") from error
        tokens = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1
        if tokens > (rows := self.size("vocab_size")):
            raise AssetError(
                f"the tokenizer of {self.name} does not match its weights: it has {tokens} tokens, "
                f"but the embedding {rows} rows; take both from the same model"
            )
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each weight, by the name that it is stored under. Raises AssetError."""
        found: dict[str, tuple[int, ...]] = {}
        for file in self._weights:
            try:
                header, complete = _header(self.folder / file)
                found |= {name: tuple(entry["shape"]) for name, entry in header.items()}
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
                raise CorruptArchiveError(
                    f"{file} of {self.name} is no whole safetensors file ({error}): fetch it again"
                ) from error
            if not complete:
                raise CorruptArchiveError(
                    f"{file} of {self.name} is no whole safetensors file: fetch it again"
                )
        return found

    def require_weights(self, shapes: Mapping[str, Sequence[int]]) -> None:
        """Raises AssetError, naming the first, where weights of these shapes are missing."""
        wrong = [name for name, shape in shapes.items() if self.shapes.get(name) != tuple(shape)]
        if wrong:
            name = wrong[0]
            found = self.shapes.get(name)
            state = "missing" if found is None else f"of shape {found}"
            raise AssetError(
                f"{len(wrong)} of {len(shapes)} weights that {CONFIG} of {self.name} asks for are "
                f"not there: {name} is {state}, not {tuple(shapes[name])}; take both files from "
                "the same model"
            )

    def tensors(self) -> dict[str, torch.Tensor]:
        """The weights, widened to float32. Raises AssetError."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        found: dict[str, torch.Tensor] = {}
        for file in self._weights:
            try:
                found |= {k: v.float() for k, v in load_file(self.folder / file).items()}
            except SafetensorError as error:
                raise CorruptArchiveError(
                    f"{file} of {self.name} cannot be read ({error}): fetch it again"
                ) from error
        return found

    @property
    def _weights(self) -> list[str]:
        return [name for name in self.digests if name.endswith(".safetensors")]

    def info(self, limits: Mapping[str, object]) -> ModelInfo:
        """Identity: files, and the limits that shape the networks. Raises AssetError.

        ``parameters`` counts what is stored. Whether it was trained cannot be seen: it is assumed.
        """
        asset, source = self._located
        named = self.config.get("architectures") or ["model"]
        return ModelInfo(
            name=self.name,
            digest=canonical_digest({**self.digests, **limits}),
            licence=asset.licence,
            parameters=sum(map(prod, self.shapes.values())),
            sources=(source, f"sha256 of its files {canonical_digest(self.digests)}"),
            description=f"{named[0]} of {self.name}",
        )


def _header(file: Path) -> tuple[dict[str, Any], bool]:
    """What a safetensors file says of each tensor, and whether the file is as long as it says.

    8 bytes with the length of the header, little-endian; the header, in JSON; the data.
    Raises ValueError, KeyError, TypeError, AttributeError for what is no such file.
    """
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        # what a cut file says of its length is not a reason to read more than there is
        header = json.loads(stream.read(min(length, file.stat().st_size)))
    header.pop("__metadata__", None)
    end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
    return header, file.stat().st_size == 8 + length + end
