"""Whisper's weights from the names that ``transformers`` stores to those of `models.whisper`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wattmark.models.networks.whisper import Dimensions

if TYPE_CHECKING:
    import torch

Shape = tuple[int, ...]
#: the one bias that Whisper's attention lacks: that of keys
_NO_BIAS = "k_proj.bias"


def named_weights(
    stored: Mapping[str, torch.Tensor], sizes: Dimensions
) -> dict[str, NDArray[np.float32]]:
    """The arrays of `models.whisper`; queries, keys and values of an attention are joined.

    All that `parameter_shapes` names must be there.
    """
    found = {}
    for name, parts in _parts(sizes):
        arrays = [
            np.zeros(shape, np.float32) if part.endswith(_NO_BIAS) else stored[part].numpy()
            for part, shape in parts
        ]
        found[name] = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    return found


def parameter_shapes(sizes: Dimensions) -> dict[str, Shape]:
    """Shape of every parameter that must be stored."""
    return {
        part: shape
        for _, parts in _parts(sizes)
        for part, shape in parts
        if not part.endswith(_NO_BIAS)
    }


def _parts(sizes: Dimensions) -> Iterator[tuple[str, list[tuple[str, Shape]]]]:
    """Name here, and the stored parameters that it is made of, one below the other."""
    width = sizes.width

    def linear(
        name: str, *sources: str, shape: Shape = (width, width)
    ) -> Iterator[tuple[str, list[tuple[str, Shape]]]]:
        yield f"{name}.weight", [(f"{source}.weight", shape) for source in sources]
        yield f"{name}.bias", [(f"{source}.bias", shape[:1]) for source in sources]

    def norm(name: str, source: str) -> Iterator[tuple[str, list[tuple[str, Shape]]]]:
        yield f"{name}.layer_norm.gamma", [(f"{source}.weight", (width,))]
        yield f"{name}.layer_norm.beta", [(f"{source}.bias", (width,))]

    for number, bands in ((1, sizes.bands), (2, width)):
        conv = f"encoder.conv{number}"
        yield from linear(conv, f"model.{conv}", shape=(width, bands, 3))
    table = (sizes.vocabulary, width)
    yield "decoder.embeddings.weight", [("model.decoder.embed_tokens.weight", table)]
    sides = (
        ("encoder", sizes.encoder_layers, sizes.frames // 2),
        ("decoder", sizes.decoder_layers, sizes.positions),
    )
    for side, layers, positions in sides:
        encodings = (f"model.{side}.embed_positions.weight", (positions, width))
        yield f"{side}.position_encodings.encodings", [encodings]
        yield from norm(side, f"model.{side}.layer_norm")
        for number in range(layers):
            name, source = f"{side}.layer.{number}", f"model.{side}.layers.{number}"
            own = f"{source}.self_attn"
            joined = [f"{own}.{part}_proj" for part in "qkv"]
            yield from linear(f"{name}.self_attention.linear_0", *joined)
            yield from linear(f"{name}.self_attention.linear_1", f"{own}.out_proj")
            yield from norm(f"{name}.self_attention", f"{own}_layer_norm")
            if side == "decoder":
                cross = f"{source}.encoder_attn"
                yield from linear(f"{name}.attention.linear_0", f"{cross}.q_proj")
                joined = [f"{cross}.{part}_proj" for part in "kv"]
                yield from linear(f"{name}.attention.linear_1", *joined)
                yield from linear(f"{name}.attention.linear_2", f"{cross}.out_proj")
                yield from norm(f"{name}.attention", f"{cross}_layer_norm")
            yield from norm(f"{name}.ffn", f"{source}.final_layer_norm")
            wide, narrow = (4 * width, width), (width, 4 * width)
            yield from linear(f"{name}.ffn.linear_0", f"{source}.fc1", shape=wide)
            yield from linear(f"{name}.ffn.linear_1", f"{source}.fc2", shape=narrow)
