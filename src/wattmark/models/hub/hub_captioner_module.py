"""A ViT with a GPT-2 that describes what it sees, as two networks around transformers' layers.

Radford et al., "Language Models are Unsupervised Multitask Learners", OpenAI 2019; Dosovitskiy et
al., "An Image is Worth 16x16 Words", ICLR 2021 (arXiv 2010.11929). Keys and values of the
cross-attentions are computed once, by the encoder; those of the self-attentions are kept in a
cache of fixed size: see :mod:`wattmark.pipelines.greedy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def encode_network(captioner: Any) -> torch.nn.Module:
    """Image (n, 3, height, width) to a small digest (n, 1), and keys and values of each layer's
    cross-attention, (n, heads, patches, width / heads)."""
    import torch

    layers = captioner.decoder.transformer.h

    class Encode(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        def __init__(self) -> None:
            super().__init__()
            self.encoder = captioner.encoder
            self.projection = getattr(captioner, "enc_to_dec_proj", torch.nn.Identity())
            self.keys_values = torch.nn.ModuleList(layer.crossattention.c_attn for layer in layers)

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
            seen = self.projection(self.encoder(pixel_values=image).last_hidden_state)
            state = [
                _heads(part, layer.crossattention).contiguous()
                for layer, joined in zip(layers, self.keys_values, strict=True)
                for part in joined(seen).chunk(2, -1)
            ]
            return (seen.mean((1, 2))[:, None], *state)

    return Encode().eval()


def decode_network(captioner: Any) -> torch.nn.Module:
    """input_ids (n, length), start (n,), last (n,), what ``encode`` writes, and the cache, to
    the logits of the token after ``last`` (n, vocabulary) and the cache."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    def attended(attention: Any, query: Any, key: Any, value: Any, mask: Any = None) -> Any:
        found = scaled_dot_product_attention(
            _heads(query, attention), key, value, attn_mask=mask, scale=attention.scaling
        )
        return attention.c_proj(found.transpose(1, 2).flatten(2))

    class Decode(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = captioner.decoder.transformer
            self.head = captioner.decoder.lm_head

        def forward(
            self,
            input_ids: torch.Tensor,
            start: torch.Tensor,
            last: torch.Tensor,
            *state: torch.Tensor,
        ) -> tuple[torch.Tensor, ...]:
            cross, cache = state[: len(state) // 2], state[len(state) // 2 :]
            place = start[:, None] + torch.arange(input_ids.shape[1], device=start.device)
            held = torch.arange(cache[0].shape[2], device=start.device)
            mask = held <= place[:, None, :, None]
            x = self.body.wte(input_ids) + self.body.wpe(place)
            written: list[Any] = []
            for number, layer in enumerate(self.body.h):
                own = slice(2 * number, 2 * number + 2)
                query, *fresh = layer.attn.c_attn(layer.ln_1(x)).chunk(3, -1)
                new = [_heads(part, layer.attn) for part in fresh]
                where = place[:, None, :, None].expand_as(new[0])
                kept = [
                    old.scatter(2, where, part) for old, part in zip(cache[own], new, strict=True)
                ]
                x = x + attended(layer.attn, query, kept[0], kept[1], mask)
                asked = layer.crossattention.q_attn(layer.ln_cross_attn(x))
                x = x + attended(layer.crossattention, asked, cross[own][0], cross[own][1])
                x = x + layer.mlp(layer.ln_2(x))
                written += kept
            row = last[:, None, None].expand(-1, 1, x.shape[-1])
            return (self.head(self.body.ln_f(x.gather(1, row)[:, 0])), *written)

    return Decode().eval()


def _heads(x: Any, attention: Any) -> Any:
    """(n, length, width) as (n, heads, length, width / heads)."""
    return x.unflatten(-1, (attention.num_heads, attention.head_dim)).transpose(1, 2)
