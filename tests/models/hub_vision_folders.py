"""Tiny random detectors and captioners in folders laid out like repositories of the hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from hub_folders import NARROW, WORDS, save

NORMAL = {"resample": 2, "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4]}
CLASSES = {0: "cat", 1: "person", 2: "sofa", 3: "dog"}
_NAMED = {"id2label": CLASSES, "label2id": {name: n for n, name in CLASSES.items()}}
_HEADS = {
    f"{side}_{kind}": size
    for side in ("encoder", "decoder")
    for kind, size in (("layers", 1), ("attention_heads", 2), ("ffn_dim", 32))
}


def save_detector(folder: Path, family: str) -> Any:
    """``family`` is yolos, detr or rt_detr; pictures become 64 x 64."""
    torch.manual_seed(6)
    folder.mkdir(exist_ok=True)
    size: dict[str, int] = {"shortest_edge": 48, "longest_edge": 1333}
    if family == "rt_detr":
        size = {"height": 64, "width": 64}
    settings = {"size": size, **NORMAL}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return save(folder, {"yolos": _yolos, "detr": _detr, "rt_detr": _rt_detr}[family]())


def save_captioner(folder: Path, width: int = 24) -> Any:
    """A ViT of that width with a GPT-2 of width 16; pictures are 32 x 32."""
    torch.manual_seed(7)
    folder.mkdir(exist_ok=True)
    vit = transformers.ViTConfig(
        image_size=32, patch_size=16, intermediate_size=32,
        **{**NARROW, "hidden_size": width},
    )  # fmt: skip
    gpt2 = transformers.GPT2Config(
        vocab_size=len(WORDS), n_positions=50, n_embd=16, n_layer=2, n_head=2, bos_token_id=1,
        eos_token_id=2,
    )  # fmt: skip
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(vit, gpt2)
    made = transformers.VisionEncoderDecoderModel(config=config)
    for settings in (made.config, made.generation_config):
        settings.decoder_start_token_id, settings.eos_token_id, settings.pad_token_id = 1, 2, 0
    settings = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}}
    (folder / "preprocessor_config.json").write_text(json.dumps({**settings, **NORMAL}))
    return save(folder, made)


def _yolos() -> Any:
    return transformers.YolosForObjectDetection(
        transformers.YolosConfig(
            image_size=[32, 48], patch_size=16, num_detection_tokens=5, intermediate_size=32,
            use_mid_position_embeddings=True, **NARROW, **_NAMED,
        )
    )  # fmt: skip


def _resnet(kind: str, stages: list[str]) -> Any:
    return getattr(transformers, kind)(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=stages,
    )  # fmt: skip


def _detr() -> Any:
    return transformers.DetrForObjectDetection(
        transformers.DetrConfig(
            use_timm_backbone=False, backbone=None, use_pretrained_backbone=False,
            backbone_config=_resnet("ResNetConfig", ["stage4"]), d_model=16, num_queries=5,
            **_HEADS, **_NAMED,
        )
    )  # fmt: skip


def _rt_detr() -> Any:
    return transformers.RTDetrForObjectDetection(
        transformers.RTDetrConfig(
            backbone_config=_resnet("RTDetrResNetConfig", ["stage2", "stage3", "stage4"]),
            encoder_hidden_dim=16, encoder_in_channels=[8, 16, 16], d_model=16, num_queries=6,
            decoder_in_channels=[16, 16, 16], num_denoising=0, anchor_image_size=None,
            **_HEADS, **_NAMED,
        )
    )  # fmt: skip
