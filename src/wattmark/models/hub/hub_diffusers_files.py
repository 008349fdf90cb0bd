"""The files of a text-to-image model laid out as ``diffusers`` does it: a folder for each part.

They are found and read as :mod:`wattmark.models.hub.hub_files` does it: safetensors and settings
only, and never code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

from wattmark.assets import Asset
from wattmark.errors import AssetError, CorruptArchiveError, InputError, MissingPackageError
from wattmark.models.hub.hub_files import located, require_model_name
from wattmark.models.weights.safetensors_shapes import weight_shapes
from wattmark.records import ModelInfo, content_digest

INDEX, SCHEDULER = "model_index.json", "scheduler/scheduler_config.json"
TOKENIZER_FILES = (
    "tokenizer/tokenizer.json",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "tokenizer/tokenizer_config.json",
    "tokenizer/special_tokens_map.json",
)
#: library and class of each part with weights, and what its weights files are called
PARTS = {
    "text_encoder": ("transformers", "CLIPTextModel", "model"),
    "unet": ("diffusers", "UNet2DConditionModel", "diffusion_pytorch_model"),
    "vae": ("diffusers", "AutoencoderKL", "diffusion_pytorch_model"),
}
PIPELINE = "StableDiffusionPipeline"


def diffusers_files(names: Iterable[str], label: str) -> tuple[str, ...]:
    """Those of a repository's files that are read. Raises AssetError, naming what is missing."""
    found = set(names)
    settings = [INDEX, SCHEDULER, *(f"{part}/config.json" for part in PARTS)]
    weights: list[str] = []
    for part, (*_, stem) in PARTS.items():
        shard = re.compile(rf"{part}/{stem}-\d+-of-\d+\.safetensors")
        whole = f"{part}/{stem}.safetensors"
        shards = [*sorted(filter(shard.fullmatch, found)), f"{whole}.index.json"]
        weights += [whole] if whole in found or len(shards) == 1 else shards
    if missing := [name for name in (*settings, *weights) if name not in found]:
        raise AssetError(
            f"{label} has no {missing[0]}: give a text-to-image model laid out as diffusers' "
            "save_pretrained does it, with safetensors"
        )
    tokenizer = [name for name in TOKENIZER_FILES if name in found]
    return (*settings, *tokenizer, *weights)


@dataclass(frozen=True)
class DiffusersFiles:
    """The files of a Stable Diffusion model for a task. Nothing is fetched before it is needed.

    Raises InputError where ``name`` cannot be a model's.
    """

    name: str
    task: str

    def __post_init__(self) -> None:
        require_model_name(self.name)

    @cached_property
    def _located(self) -> tuple[Asset, str]:
        return located(self.name, diffusers_files)

    @property
    def folder(self) -> Path:
        """Where they lie. Raises AssetError."""
        return self._located[0].folder

    @cached_property
    def parts(self) -> Mapping[str, Any]:
        """model_index.json. Raises AssetError, and InputError where it is of another kind."""
        parts = self.settings(INDEX)
        named = [str(parts.get("_class_name"))]
        named += [f"{part} {(parts.get(part) or [None, None])[1]}" for part in PARTS]
        if named != [PIPELINE, *(f"{part} {name}" for part, (_, name, _) in PARTS.items())]:
            raise InputError(
                f"{self.name} does not fit the task {self.task}: it is a {', '.join(named)}; what "
                f"can be run is a {PIPELINE} with {', '.join(n for _, n, _ in PARTS.values())}"
            )
        return parts

    def part(self, name: str) -> dict[str, Any]:
        """A part's config.json. Raises AssetError, InputError."""
        if name not in self.parts:
            raise AssetError(f"{INDEX} of {self.name} has no part {name}")
        return self.settings(f"{name}/config.json")

    def settings(self, file: str) -> dict[str, Any]:
        """One of the JSON files. Raises AssetError."""
        try:
            found = json.loads((self.folder / file).read_text(encoding="utf-8"))
        except ValueError as error:
            raise CorruptArchiveError(f"{file} of {self.name} is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise CorruptArchiveError(f"{file} of {self.name} holds no JSON object")
        return found

    @cached_property
    def shapes(self) -> dict[str, dict[str, tuple[int, ...]]]:
        """Shape of each weight of each part, by its stored name. Raises AssetError."""
        shapes: dict[str, dict[str, tuple[int, ...]]] = {part: {} for part in PARTS}
        for file in self._located[0].files:
            if file.endswith(".safetensors"):
                read = weight_shapes(self.folder / file, f"{file} of {self.name}")
                shapes[file.partition("/")[0]] |= read
        return shapes

    def load(self, part: str) -> Any:
        """A part with its weights in float32 and eval mode.

        Raises AssetError where the library cannot load it or weights are missing, and
        MissingPackageError.
        """
        library, kind, _ = PARTS[part]
        self.require_libraries()
        import diffusers
        import torch
        import transformers
        from safetensors import SafetensorError

        ours = library == "transformers"
        owner = transformers if ours else diffusers
        # a memory-saving way to load that needs a further package
        further = {"dtype": torch.float32} if ours else {"low_cpu_mem_usage": False}
        try:
            module, found = getattr(owner, kind).from_pretrained(
                self.folder / part,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                **further,
            )
        except (ValueError, KeyError, OSError, RuntimeError, SafetensorError) as error:
            raise AssetError(
                f"{library} {owner.__version__} cannot load {part} of {self.name}: {error}"
            ) from error
        if missing := sorted(found["missing_keys"]):
            raise AssetError(
                f"{len(missing)} weights of {part} of {self.name} are missing, such as "
                f"{missing[0]}: they would be random; fetch the model again"
            )
        return module.float().eval()

    def require_libraries(self) -> None:
        """Raises MissingPackageError where diffusers or transformers is not installed."""
        try:
            import diffusers  # noqa: F401
            import transformers  # noqa: F401
        except ImportError as error:
            raise MissingPackageError(
                f"{self.name} needs diffusers and transformers: install wattmark[torch,hub]"
            ) from error

    def info(self, limits: Mapping[str, object]) -> ModelInfo:
        """Identity: files, and the limits that shape the networks. Raises AssetError, InputError.

        Whether it was trained cannot be seen: it is assumed.
        """
        asset, source = self._located
        kind = str(self.parts["_class_name"])
        counted = sum(prod(shape) for part in self.shapes.values() for shape in part.values())
        return ModelInfo(
            name=self.name,
            digest=content_digest({**asset.files, **limits}),
            licence=asset.licence,
            parameters=counted,
            sources=(source, f"sha256 of its files {content_digest(dict(asset.files))}"),
            description=f"{kind} of {self.name}, without its safety checker",
        )
