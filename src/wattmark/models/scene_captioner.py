"""A captioner of rendered scenes: a small convolutional encoder and a transformer decoder.

Trained by ``training/train_captioner.py`` on the scenes of the image captioning task; see the
model card, ``scene_captioner.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattmark.assets.digest import file_sha256
from wattmark.contracts import Inputs, InputSpec, Network, Output, Pipeline
from wattmark.errors import AssetError
from wattmark.models.networks.scene_captioner_module import (
    CONTEXT,
    HEADS,
    LAYERS,
    PATCHES,
    SIDE,
    WIDTH,
    decode_network,
    encode_network,
    untrained,
)
from wattmark.pipelines.greedy import Greedy, answer_tokens, padded_prompt, tokens_option
from wattmark.records import ModelInfo, content_digest

if TYPE_CHECKING:
    import torch

WEIGHTS = Path(__file__).with_name("scene_captioner.safetensors")
BEGIN, END = 0, 1
PARAMETERS = 1_286_816


def normalised(image: Any) -> NDArray[np.float32]:
    """An RGB image (64, 64, 3) of values 0 to 255 as (1, 3, 64, 64) from -1 to 1."""
    pixels = np.asarray(image, np.float32)
    if pixels.shape != (SIDE, SIDE, 3):
        raise ValueError(f"expected an RGB image of {SIDE} x {SIDE} pixels, got {pixels.shape}")
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None] / np.float32(127.5) - 1)


class SceneCaptioner:
    """Image (1, 3, 64, 64) float32 from -1 to 1 in, a caption of at most 24 tokens out.

    ``encode`` writes every layer's cross-attention keys and values, ``decode`` gives the logits
    of the next word, (1, 38) float32.
    """

    name = "scene-captioner"
    task = "image-captioning"

    @cached_property
    def words(self) -> tuple[str, ...]:
        """What each token stands for. Raises AssetError where the weights file is damaged."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(WEIGHTS, framework="numpy") as file:
                return tuple(json.loads(file.metadata()["words"]))
        except (OSError, SafetensorError, TypeError, KeyError, ValueError) as error:
            raise _damaged(error) from error

    def info(self) -> ModelInfo:
        """Identity; the digest covers the weights file (its vocabulary too) and the cache's size.

        Raises AssetError.
        """
        try:
            digest = file_sha256(WEIGHTS)
        except OSError as error:
            raise _damaged(error) from error
        return ModelInfo(
            name=self.name,
            digest=content_digest({WEIGHTS.name: digest, "context": CONTEXT}),
            licence="Apache-2.0",
            parameters=PARAMETERS,
            sources=(f"{WEIGHTS.name}, sha256 {digest}", "training/train_captioner.py"),
            description="ConvNet and three-layer transformer decoder for rendered scenes",
        )

    def captioner(self) -> torch.nn.Module:
        """The whole captioner in eval mode, fp32, as ``untrained`` makes it. Raises AssetError."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        network = untrained(len(self.words))
        counters = {k: v for k, v in network.state_dict().items() if not v.is_floating_point()}
        try:
            stored = {name: tensor.float() for name, tensor in load_file(WEIGHTS).items()}
            network.load_state_dict({**counters, **stored})
        except (OSError, SafetensorError, RuntimeError) as error:
            raise _damaged(error) from error
        return network.eval()

    def networks(self) -> tuple[Network, ...]:
        """``encode`` and ``decode``; a prompt is the begin token alone, so no axis varies."""
        depth = WIDTH // HEADS
        pairs = [(n, part) for n in range(LAYERS) for part in ("key", "value")]
        cross = tuple(
            InputSpec(f"cross_{part}_{n}", "float32", (1, HEADS, PATCHES, depth))
            for n, part in pairs
        )
        cache = tuple(
            InputSpec(f"{part}_{n}", "float32", (1, HEADS, CONTEXT, depth)) for n, part in pairs
        )
        image = InputSpec("image", "float32", (1, 3, SIDE, SIDE))
        token = (
            InputSpec("input_ids", "int64", (1, 1)),
            InputSpec("start", "int64", (1,)),
            InputSpec("last", "int64", (1,)),
        )
        return (
            Network("encode", (image,), lambda: encode_network(self.captioner()), writes=cross),
            Network(
                "decode",
                token,
                lambda: decode_network(self.captioner()),
                reads=(*cross, *cache),
                writes=cache,
            ),
        )

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """Greedy; ``tokens`` pins the length, by default a caption ends with its end token.

        Raises UnsupportedSetupError.
        """
        tokens = tokens_option(options, default=None, limit=CONTEXT)
        return Greedy((), tokens=tokens, limit=CONTEXT, end=(END,), encode=("image", 1))

    def preprocess(self, examples: Sequence[Any]) -> list[Inputs]:
        """RGB images, (64, 64, 3) of 0 to 255. Raises ValueError for another size."""
        prompt = padded_prompt([BEGIN], [1])
        return [{"image": normalised(image), **prompt} for image in examples]

    def postprocess(self, output: Output, inputs: Inputs) -> str:
        """The words up to the end token."""
        return " ".join(self.words[token] for token in answer_tokens(output, (END,)))


def _damaged(error: Exception) -> AssetError:
    return AssetError(
        f"the captioner's weights {WEIGHTS.name} cannot be read ({error}): reinstall wattmark, "
        f"or train them with training/train_captioner.py"
    )
