"""Stable Diffusion of the hub: a ``diffusers`` repository with text encoder, U-Net and VAE.

Rombach et al., CVPR 2022 (arXiv 2112.10752). The safety checker of a repository is not run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Inputs, InputSpec, Network, Output
from wattmark.errors import AssetError, InputError
from wattmark.models.hub.hub_diffusers_files import SCHEDULER, DiffusersFiles
from wattmark.models.hub.hub_noise_schedule import noise_schedule
from wattmark.pipelines.latent_diffusion import LatentDiffusion, NoiseSchedule, latent_diffusion
from wattmark.records import ModelInfo

if TYPE_CHECKING:
    import torch

#: settings of a U-Net that takes more than noise, time and text
_CONDITIONED = (
    "addition_embed_type",
    "class_embed_type",
    "encoder_hid_dim_type",
    "time_cond_proj_dim",
    "num_class_embeds",
)
_WORDS, _POSITIONS = (f"embeddings.{part}_embedding.weight" for part in ("token", "position"))


class HubImageGeneration:
    """A prompt and a seed in, an image out: (3, height, width) uint8, RGB.

    Options of a setup: ``sampler`` (ddim, ddpm), ``steps``, ``guidance``; ddim with 20 steps and
    7.5 if it says nothing.
    """

    task = "image-generation"

    def __init__(self, name: str) -> None:
        self.name = name
        self._files = DiffusersFiles(name, self.task)

    @cached_property
    def _latents(self) -> tuple[int, int, int]:
        """Channels, height and width of the latents. Raises AssetError, InputError."""
        unet, vae = (self._files.part(part) for part in ("unet", "vae"))
        told = [f"{key} {unet[key]}" for key in _CONDITIONED if unet.get(key) is not None]
        channels = (unet.get("in_channels", 4), vae.get("latent_channels", 4))
        if told or channels[0] != channels[1]:
            said = ", ".join(told) or f"{channels[0]} channels, where the VAE gives {channels[1]}"
            raise InputError(
                f"the U-Net of {self.name} takes more than noise and text ({said}): choose a "
                "text-to-image model of Stable Diffusion 1 or 2"
            )
        size = unet.get("sample_size")
        height, width = size if isinstance(size, list) else (size, size)
        if not isinstance(height, int) or not isinstance(width, int):
            raise AssetError(f"unet/config.json of {self.name} has no sample_size, but {size!r}")
        return channels[0], height, width

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of an image: (3, height, width). Raises AssetError, InputError."""
        blocks = self._files.part("vae").get("block_out_channels") or [0]
        _, height, width = self._latents
        scale = 2 ** (len(blocks) - 1)
        return 3, height * scale, width * scale

    @cached_property
    def _schedule(self) -> NoiseSchedule:
        return noise_schedule(self._files.settings(SCHEDULER), self.name)

    def _rows(self, end: str) -> tuple[int, ...]:
        """Shape of the text encoder's embedding of that name. Raises AssetError."""
        shapes = self._files.shapes["text_encoder"]
        found = next((shape for name, shape in shapes.items() if name.endswith(end)), None)
        if found is None:
            raise AssetError(f"the text encoder of {self.name} has no weight {end}")
        return found

    @cached_property
    def _tokenizer(self) -> Any:
        """Raises AssetError where its tokens are more than the embedding has rows."""
        self._files.require_libraries()
        from transformers import CLIPTokenizer

        try:
            tokenizer = CLIPTokenizer.from_pretrained(
                self._files.folder / "tokenizer", local_files_only=True
            )
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise AssetError(
                f"the tokenizer of {self.name} cannot be read ({error}): it needs tokenizer.json, "
                "or vocab.json and merges.txt"
            ) from error
        tokens, rows = max(tokenizer.get_vocab().values(), default=-1) + 1, self._rows(_WORDS)[0]
        if tokens > rows:
            raise AssetError(
                f"the tokenizer of {self.name} does not match its weights: it has {tokens} tokens, "
                f"but the embedding {rows} rows; take both from the same model"
            )
        return tokenizer

    def info(self) -> ModelInfo:
        """Identity. Raises AssetError, and InputError where the model cannot be run."""
        limits = {"latents": self._latents, "tokens": self._rows(_POSITIONS)[0]}
        return self._files.info({**limits, "time steps": len(self._schedule.signal)})

    def networks(self) -> tuple[Network, ...]:
        """``encode``, ``denoise`` and ``decode``. Raises AssetError, InputError."""
        length, width = self._rows(_POSITIONS)
        latents = (1, *self._latents)
        denoise = (
            InputSpec("x", "float32", latents),
            InputSpec("t", "int64", (1,)),
            InputSpec("told", "float32", (1, length, width)),
        )
        return (
            Network("encode", (InputSpec("input_ids", "int64", (1, length)),), self._encoder),
            Network("denoise", denoise, self._denoiser),
            Network("decode", (InputSpec("latents", "float32", latents),), self._decoder),
        )

    def pipeline(self, options: Mapping[str, str]) -> LatentDiffusion:
        """The sampler. Raises AssetError, InputError, UnsupportedSetupError."""
        return latent_diffusion(self._schedule, options)

    def preprocess(self, examples: Sequence[tuple[str, int]]) -> list[Inputs]:
        """Prompts as tokens, padded to the text encoder's length, and seeds as noise."""
        shape = (1, *self._latents)
        empty = self._tokens("")
        return [
            {
                "input_ids": self._tokens(prompt),
                "empty_ids": empty,
                "noise": np.random.default_rng(seed).standard_normal(shape, np.float32),
            }
            for prompt, seed in examples
        ]

    def postprocess(self, output: Output, inputs: Inputs) -> NDArray[np.uint8]:
        """The image (3, height, width) uint8; what is not a number becomes black."""
        image = np.nan_to_num(output[0], nan=-1.0)
        return np.asarray(np.round(np.clip(image / 2 + 0.5, 0, 1) * 255), np.uint8)

    def _tokens(self, text: str) -> NDArray[np.int64]:
        length = self._rows(_POSITIONS)[0]
        found = self._tokenizer(text, padding="max_length", max_length=length, truncation=True)
        return np.array([found["input_ids"]], np.int64)

    def _encoder(self) -> torch.nn.Module:
        import torch

        class Encode(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
            """Tokens (n, length) to what they say (n, length, width)."""

            def __init__(self, model: torch.nn.Module) -> None:
                super().__init__()
                self.model = model

            def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
                return self.model(input_ids=input_ids).last_hidden_state

        return Encode(self._files.load("text_encoder")).eval()

    def _denoiser(self) -> torch.nn.Module:
        import torch

        unet = self._files.load("unet")
        steps = torch.arange(len(self._schedule.signal))

        class Times(torch.nn.Module):  # type: ignore[misc]
            """Sines and cosines of the time step from a table: those of large arguments differ
            between frameworks."""

            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("table", unet.time_proj(steps), persistent=False)

            def forward(self, t: torch.Tensor) -> torch.Tensor:
                return torch.nn.functional.embedding(t, self.table)

        class Denoise(torch.nn.Module):  # type: ignore[misc]
            """x (n, channels, h, w), t (n,) and told (n, length, width) to a prediction like x."""

            def __init__(self) -> None:
                super().__init__()
                unet.time_proj = Times()
                self.unet = unet

            def forward(self, x: torch.Tensor, t: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
                return self.unet(x, t, encoder_hidden_states=told, return_dict=False)[0]

        return Denoise().eval()

    def _decoder(self) -> torch.nn.Module:
        import torch

        vae = self._files.load("vae")
        scaling = float(vae.config.scaling_factor)
        shift = float(getattr(vae.config, "shift_factor", None) or 0.0)

        class Decode(torch.nn.Module):  # type: ignore[misc]
            """Latents (n, channels, h, w) to images (n, 3, height, width), about -1 to 1."""

            def __init__(self) -> None:
                super().__init__()
                self.post_quant_conv, self.decoder = vae.post_quant_conv, vae.decoder

            def forward(self, latents: torch.Tensor) -> torch.Tensor:
                z = latents / scaling + shift
                if self.post_quant_conv is not None:
                    z = self.post_quant_conv(z)
                return self.decoder(z)

        return Decode().eval()
