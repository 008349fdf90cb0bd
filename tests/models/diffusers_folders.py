"""A tiny random Stable Diffusion in a folder laid out as diffusers does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

#: settings of Stable Diffusion 1's scheduler
SCHEDULER = {
    "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000, "clip_sample": False, "set_alpha_to_one": False,
    "steps_offset": 1,
}  # fmt: skip
_WORDS = ["a</w>", "dress</w>", "d", "r", "e", "s", "</w>", "<|startoftext|>", "<|endoftext|>"]


def save_stable_diffusion(folder: Path, **scheduler: Any) -> Any:
    """The pipeline of diffusers, which is saved in ``folder``: latents 8 x 8, images 16 x 16."""
    import diffusers
    import transformers

    torch.manual_seed(5)
    words = folder / "words"
    words.mkdir(parents=True)
    (words / "vocab.json").write_text(json.dumps({word: n for n, word in enumerate(_WORDS)}))
    (words / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer(
        str(words / "vocab.json"), str(words / "merges.txt"), model_max_length=6
    )
    text = transformers.CLIPTextConfig(
        vocab_size=len(_WORDS), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=6, bos_token_id=7, eos_token_id=8,
        pad_token_id=8,
    )  # fmt: skip
    unet = diffusers.UNet2DConditionModel(
        sample_size=8, block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"), cross_attention_dim=16,
        attention_head_dim=2, mid_block_type=None,
    )  # fmt: skip
    vae = diffusers.AutoencoderKL(
        block_out_channels=(4, 8), norm_num_groups=4, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip
    made = diffusers.StableDiffusionPipeline(
        vae=vae, text_encoder=transformers.CLIPTextModel(text), tokenizer=tokenizer, unet=unet,
        scheduler=diffusers.DDIMScheduler(**{**SCHEDULER, **scheduler}), safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    made.save_pretrained(folder)
    made.set_progress_bar_config(disable=True)
    return made
