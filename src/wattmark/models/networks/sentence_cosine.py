"""How alike are two texts: the cosine of their embeddings, both texts in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from wattmark.contracts import InputSpec, Network

if TYPE_CHECKING:
    import torch

    #: encoder, ids and mask (texts, length) to embeddings of length 1 (texts, width)
    Embed = Callable[[Any, torch.Tensor, torch.Tensor], torch.Tensor]

#: tokens that texts are padded to
LENGTHS = (64, 128, 256)


def cosine_network(lengths: Sequence[int], build: Callable[[], torch.nn.Module]) -> Network:
    """The network ``forward``: ids and mask (1, 2, length) int64 to the cosine (1, 1)."""
    inputs = tuple(
        InputSpec(name, "int64", (1, 2, "length")) for name in ("input_ids", "attention_mask")
    )
    return Network("forward", inputs, build, axes={"length": tuple(lengths)})


def cosine_module(encoder: Any, embed: Embed) -> torch.nn.Module:
    """The module of that network, for inference."""
    import torch

    class Cosine(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        """Ids and mask (n, 2, length) to (n, 1)."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            embedded = embed(self.encoder, ids.flatten(0, 1), mask.flatten(0, 1))
            pairs = embedded.unflatten(0, (-1, 2))
            return (pairs[:, 0] * pairs[:, 1]).sum(1, keepdim=True)

    return Cosine().eval()
