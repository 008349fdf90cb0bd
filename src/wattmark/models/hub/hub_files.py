"""Models named ``hub:ORG/NAME[@REVISION]`` or ``folder:PATH``: their files, read as data.

Weights are safetensors only; a pickle may run code when it is read and is never opened, and no
code of a repository is ever run. A folder is laid out like a repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattmark.assets import Asset, FolderRef, hub_asset, resolve
from wattmark.errors import AssetError, CorruptArchiveError, InputError, MissingPackageError
from wattmark.models.weights.safetensors_shapes import weight_shapes
from wattmark.records import ModelInfo, content_digest

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

#: picks from a repository's file names (given with a label for errors) those that are read
Choose = Callable[[Iterable[str], str], tuple[str, ...]]

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


def require_model_name(name: str) -> None:
    """Raises InputError where ``name`` cannot be that of a model of the hub or in a folder."""
    if name.removeprefix("folder:") in ("", name) and not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} names no model: write hub:ORG/NAME, hub:ORG/NAME@REVISION or folder:PATH"
        )


def located(name: str, choose: Choose) -> tuple[Asset, str]:
    """The files of a model that ``choose(names, label)`` picks, and where they are from, in words.

    Raises AssetError, and what ``choose`` raises.
    """
    hub = _NAME.fullmatch(name)
    if hub is not None:
        asset, commit = hub_asset(hub["repo"], hub["revision"] or "main", choose)
        return asset, f"hub repository {hub['repo']} at {commit}"
    try:
        folder = Path(name.removeprefix("folder:")).expanduser().absolute()
        there = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
        chosen = choose(there, name) if folder.is_dir() else ()
        return resolve(FolderRef(path=folder, files=chosen)), f"folder {folder}"
    except (OSError, ValueError, RuntimeError) as error:  # a name with a NUL, an unknown ~user
        raise AssetError(f"{name} cannot be read ({error}): give a folder that you may read") from (
            error
        )


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model for a task. Nothing is fetched or read before it is needed.

    ``architectures`` are endings of the classes of transformers that fit the task, such as
    "ForQuestionAnswering". Raises InputError where ``name`` cannot be a model's.
    """

    name: str
    task: str
    architectures: tuple[str, ...]

    def __post_init__(self) -> None:
        require_model_name(self.name)

    @cached_property
    def _located(self) -> tuple[Asset, str]:
        return located(self.name, model_files)

    @property
    def folder(self) -> Path:
        """Where they lie. Raises AssetError."""
        return self._located[0].folder

    @cached_property
    def digests(self) -> dict[str, str]:
        """The sha256 of each file that is read. Raises AssetError."""
        return dict(self._located[0].files)

    @cached_property
    def config(self) -> dict[str, Any]:
        """config.json. Raises AssetError, and InputError where the model does not fit the task."""
        config = self.settings(CONFIG)
        named = [str(name) for name in config.get("architectures") or ()]
        if not any(name.endswith(self.architectures) for name in named):
            raise InputError(
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
        except OSError as error:
            raise AssetError(f"{file} of {self.name} cannot be read: {error}") from error
        except ValueError as error:
            raise CorruptArchiveError(f"{file} of {self.name} is no text: {error}") from error

    def size(self, key: str) -> int:
        """A number of config.json. Raises AssetError where there is none."""
        value = self.config.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise AssetError(f"{CONFIG} of {self.name} has no number {key!r}, but {value!r}")
        return value

    def tokenizer(self, rows: int | None = None) -> Tokenizer:
        """From tokenizer.json, without padding.

        ``rows`` are the embedding's, by default config.json's ``vocab_size``. Raises AssetError
        where it is missing or has tokens that the embedding has no row for, and
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
        rows = self.size("vocab_size") if rows is None else rows
        if tokens > rows:
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
            found |= weight_shapes(self.folder / file, f"{file} of {self.name}")
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
            except (SafetensorError, OSError) as error:
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
            digest=content_digest({**self.digests, **limits}),
            licence=asset.licence,
            parameters=sum(map(prod, self.shapes.values())),
            sources=(source, f"sha256 of its files {content_digest(self.digests)}"),
            description=f"{named[0]} of {self.name}",
        )
