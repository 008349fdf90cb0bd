"""Whisper from transformers' configuration: its encoder, and its decoder with a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wattmark.contracts import InputSpec, Network

if TYPE_CHECKING:
    import torch

_WIDTH, _HEADS, _LAYERS, _FRAMES, _CONTEXT = 32, 4, 1, 6, 8
_HEAD = _WIDTH // _HEADS


def _model() -> Any:
    import torch
    from transformers import WhisperConfig, WhisperModel

    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=64,
        num_mel_bins=10,
        d_model=_WIDTH,
        encoder_layers=_LAYERS,
        decoder_layers=_LAYERS,
        encoder_attention_heads=_HEADS,
        decoder_attention_heads=_HEADS,
        encoder_ffn_dim=48,
        decoder_ffn_dim=48,
        max_source_positions=_FRAMES,
        max_target_positions=_CONTEXT,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    return WhisperModel(config).eval()


def _heads(x: Any) -> Any:
    return x.unflatten(-1, (_HEADS, _HEAD)).transpose(1, 2)


def _encoder() -> torch.nn.Module:
    import torch

    class Encode(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        def __init__(self) -> None:
            super().__init__()
            self.model = _model()

        def forward(self, features: Any) -> Any:
            x = self.model.encoder(features).last_hidden_state
            crossed = [
                _heads(made(x)).contiguous()
                for layer in self.model.decoder.layers
                for made in (layer.encoder_attn.k_proj, layer.encoder_attn.v_proj)
            ]
            return x[:, 0], *crossed

    return Encode().eval()


def _decoder() -> torch.nn.Module:
    import torch
    from torch.nn.functional import scaled_dot_product_attention as attention

    class Decode(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = _model()

        def forward(self, input_ids: Any, start: Any, *state: Any) -> Any:
            decoder = self.model.decoder
            batch, length = input_ids.shape
            crossed, cache = state[: 2 * _LAYERS], state[2 * _LAYERS :]
            position = start[:, None] + torch.arange(length)
            visible = torch.arange(_CONTEXT) <= position[:, None, :, None]
            index = position[:, None, :, None].expand(batch, _HEADS, length, _HEAD)
            x = decoder.embed_tokens(input_ids) + decoder.embed_positions.weight[position]
            written = []
            for number, layer in enumerate(decoder.layers):
                own, other, pair = layer.self_attn, layer.encoder_attn, slice(2 * number, None)
                y = layer.self_attn_layer_norm(x)
                key, value = cache[pair][:2]
                key = key.scatter(2, index, _heads(own.k_proj(y)))
                value = value.scatter(2, index, _heads(own.v_proj(y)))
                written += [key, value]
                y = attention(_heads(own.q_proj(y)), key, value, attn_mask=visible)
                x = x + own.out_proj(y.transpose(1, 2).flatten(2))
                y = layer.encoder_attn_layer_norm(x)
                y = attention(_heads(other.q_proj(y)), *crossed[pair][:2])
                x = x + other.out_proj(y.transpose(1, 2).flatten(2))
                y = layer.activation_fn(layer.fc1(layer.final_layer_norm(x)))
                x = x + layer.fc2(y)
            return decoder.layer_norm(x) @ decoder.embed_tokens.weight.T, *written

    return Decode().eval()


def _keys_values(prefix: str, rows: int) -> tuple[InputSpec, ...]:
    return tuple(
        InputSpec(f"{prefix}_{kind}_{layer}", "float32", (1, _HEADS, rows, _HEAD))
        for layer in range(_LAYERS)
        for kind in ("key", "value")
    )


WHISPER_ENCODER = Network(
    name="whisper-encoder",
    inputs=(InputSpec("features", "float32", (1, 10, 2 * _FRAMES)),),
    build=_encoder,
    writes=_keys_values("cross", _FRAMES),
)
WHISPER_DECODER = Network(
    name="whisper-decoder",
    inputs=(InputSpec("input_ids", "int64", (1, 4)), InputSpec("start", "int64", (1,))),
    build=_decoder,
    reads=(*_keys_values("cross", _FRAMES), *_keys_values("own", _CONTEXT)),
    writes=_keys_values("own", _CONTEXT),
)
