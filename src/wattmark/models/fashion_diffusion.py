"""Images of clothes from a prompt, by diffusion: a small U-Net trained on Fashion-MNIST.

The network is :mod:`wattmark.models.networks.fashion_unet`, trained from nothing by
``training/train_fashion_diffusion.py``; data, recipe and quality are in the model card,
``fashion_diffusion.md``. How it samples is the setup's: :mod:`wattmark.pipelines.diffusion`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wattmark.assets.digest import file_sha256
from wattmark.contracts import Inputs, InputSpec, Network, Output
from wattmark.errors import AssetError, InputError
from wattmark.pipelines.diffusion import Diffusion, cosine_schedule, diffusion
from wattmark.records import ModelInfo, content_digest

if TYPE_CHECKING:
    import torch

WEIGHTS = Path(__file__).with_name("fashion_diffusion.safetensors")
PARAMETERS = 877_028
TIME_STEPS = 1000
PADDED_SIZE, IMAGE_SIZE = 32, 28

#: the words that name a class, class by class
VOCABULARY = {
    word: class_id
    for class_id, words in enumerate(
        (
            ("t-shirt", "tshirt", "top"),
            ("trousers", "trouser", "pants"),
            ("pullover", "sweater", "jumper"),
            ("dress",),
            ("coat",),
            ("sandal", "sandals"),
            ("shirt",),
            ("sneaker", "sneakers", "trainer"),
            ("bag", "handbag"),
            ("ankle boot", "ankle boots", "boot", "boots"),
        )
    )
    for word in words
}
#: any word of the vocabulary that stands alone; of two that start alike, the longer
_WORD = re.compile(
    rf"(?<![\w-])(?:{'|'.join(sorted(map(re.escape, VOCABULARY), key=len, reverse=True))})(?![\w-])"
)


class FashionDiffusion:
    """A prompt and a seed in, an image out: (1, 28, 28) uint8, 0 black and 255 white.

    Options of a setup: ``sampler`` (ddim, ddpm) and ``steps`` (1 to 1000); ddim with 20 if it
    says nothing.
    """

    name = "fashion-diffusion"
    task = "image-generation"

    def info(self) -> ModelInfo:
        """Identity; the digest covers weights, schedule and vocabulary. Raises AssetError."""
        return ModelInfo(
            name=self.name,
            digest=content_digest([self._weights_digest(), TIME_STEPS, VOCABULARY]),
            licence="Apache-2.0",
            parameters=PARAMETERS,
            sources=("training/train_fashion_diffusion.py", "Fashion-MNIST, arXiv 1708.07747"),
            description="U-Net for diffusion, trained on Fashion-MNIST by this project",
        )

    def networks(self) -> tuple[Network, ...]:
        """``forward``: noisy image, time step and class in, velocity out."""
        image = InputSpec("x", "float32", (1, 1, PADDED_SIZE, PADDED_SIZE))
        steps = (InputSpec("t", "int64", (1,)), InputSpec("class_id", "int64", (1,)))
        return (Network("forward", (image, *steps), _loaded),)

    def pipeline(self, options: Mapping[str, str]) -> Diffusion:
        """The sampler. Raises UnsupportedSetupError."""
        return diffusion(cosine_schedule(TIME_STEPS), options)

    def preprocess(self, examples: Sequence[tuple[str, int]]) -> list[Inputs]:
        """Prompts and seeds as ``class_id`` (1,) int64 and ``noise`` (1, 1, 32, 32) float32.

        Raises InputError for a prompt that names no class.
        """
        shape = (1, 1, PADDED_SIZE, PADDED_SIZE)
        return [
            {
                "noise": np.random.default_rng(seed).standard_normal(shape, np.float32),
                "class_id": np.array([class_of(prompt)], np.int64),
            }
            for prompt, seed in examples
        ]

    def postprocess(self, output: Output, inputs: Inputs) -> NDArray[np.uint8]:
        """The image (1, 28, 28) uint8: -1 to 1 becomes 0 to 255, the border is cut off.

        What is not a number becomes black.
        """
        border = (PADDED_SIZE - IMAGE_SIZE) // 2
        inner = np.nan_to_num(output[:, 0, border:-border, border:-border], nan=-1.0)
        return np.clip(np.round((inner + 1) * 127.5), 0, 255).astype(np.uint8)

    def _weights_digest(self) -> str:
        try:
            return file_sha256(WEIGHTS)
        except OSError as error:
            raise AssetError(
                f"the weights {WEIGHTS.name} cannot be read ({error}): reinstall wattmark, or "
                f"train them with training/train_fashion_diffusion.py"
            ) from error


def class_of(prompt: str) -> int:
    """The class that a prompt such as "a sneaker" names. Raises InputError."""
    words = _WORD.findall(prompt.lower())
    classes = {VOCABULARY[word] for word in words}
    if len(classes) != 1:
        raise InputError(
            f"the prompt {prompt!r} must name one thing of these: {', '.join(VOCABULARY)}; "
            f"it names {' and '.join(words) or 'none'}"
        )
    return classes.pop()


def _loaded() -> torch.nn.Module:
    """The network in eval mode with its weights, as float32. Raises AssetError."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from wattmark.models.networks.fashion_unet import FashionUnet

    network = FashionUnet()
    try:
        # stored as float16; loading widens it to the network's float32
        network.load_state_dict(load_file(WEIGHTS))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise AssetError(
            f"the weights {WEIGHTS.name} are damaged ({error}): reinstall wattmark, or train them "
            f"with training/train_fashion_diffusion.py"
        ) from error
    return network.eval()
