"""Which parameters of transformers' Whisper each CTranslate2 variable is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch


def parts(whisper: Any) -> Iterator[tuple[str, list[Any]]]:
    """(variable, parameters one below the other); None is a bias that transformers lacks: 0."""
    model = whisper.model

    def attention(name: str, source: Any, groups: tuple[str, ...]) -> Any:
        for number, group in enumerate(groups):
            layers = [getattr(source, f"{kind}_proj") for kind in group.split()]
            yield f"{name}/linear_{number}/weight", [layer.weight for layer in layers]
            yield f"{name}/linear_{number}/bias", [layer.bias for layer in layers]

    def norm(name: str, source: Any) -> Any:
        yield f"{name}/layer_norm/gamma", [source.weight]
        yield f"{name}/layer_norm/beta", [source.bias]

    for side, source in (("encoder", model.encoder), ("decoder", model.decoder)):
        yield f"{side}/position_encodings/encodings", [source.embed_positions.weight]
        yield from norm(side, source.layer_norm)
        for number, layer in enumerate(source.layers):
            name = f"{side}/layer_{number}"
            yield from attention(f"{name}/self_attention", layer.self_attn, ("q k v", "out"))
            yield from norm(f"{name}/self_attention", layer.self_attn_layer_norm)
            if side == "decoder":
                groups = ("q", "k v", "out")
                yield from attention(f"{name}/attention", layer.encoder_attn, groups)
                yield from norm(f"{name}/attention", layer.encoder_attn_layer_norm)
            yield from norm(f"{name}/ffn", layer.final_layer_norm)
            for number_in, linear in enumerate((layer.fc1, layer.fc2)):
                yield f"{name}/ffn/linear_{number_in}/weight", [linear.weight]
                yield f"{name}/ffn/linear_{number_in}/bias", [linear.bias]
    for conv in ("conv1", "conv2"):
        yield f"encoder/{conv}/weight", [getattr(model.encoder, conv).weight]
        yield f"encoder/{conv}/bias", [getattr(model.encoder, conv).bias]
    yield "decoder/embeddings/weight", [model.decoder.embed_tokens.weight]


def variables(whisper: Any) -> dict[str, np.ndarray]:
    """The model's weights as CTranslate2 has them."""
    found = {}
    for name, group in parts(whisper):
        size = next(p for p in group if p is not None).shape
        joined = torch.cat([torch.zeros(size) if p is None else p.detach() for p in group])
        found[name] = joined.numpy()
    return found


def load(whisper: Any, stored: dict[str, np.ndarray]) -> None:
    """Copy CTranslate2's weights into the model; what it has no place for must be 0."""
    with torch.no_grad():
        for name, group in parts(whisper):
            values = torch.from_numpy(stored[name].astype(np.float32))
            for parameter, piece in zip(group, values.chunk(len(group)), strict=True):
                if parameter is None:
                    assert not piece.any(), name
                else:
                    parameter.copy_(piece)
