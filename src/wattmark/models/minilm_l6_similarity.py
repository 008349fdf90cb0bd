"""MiniLM-L6 as it was made: how alike in meaning are two texts? 22.6 M parameters.

The cosine of the two texts' embeddings (Reimers and Gurevych, "Sentence-BERT", EMNLP 2019,
arXiv 1908.10084). See the model card, ``minilm_l6_similarity.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from wattmark.contracts import Inputs, Network, Output, Pipeline
from wattmark.models.networks.minilm_l6 import (
    ENCODER,
    PARAMETERS,
    encoder_digests,
    load_bert,
    load_tokenizer,
    padded,
    sentence_embedding,
)
from wattmark.models.networks.sentence_cosine import LENGTHS, cosine_module, cosine_network
from wattmark.pipelines.forward import Forward
from wattmark.records import ModelInfo, content_digest

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer


class MiniLmSimilarity:
    """Two texts in, their cosine out: (1, 2, length) int64 twice, and (1, 1) float32.

    Texts are cut to 256 tokens, the length that the encoder was trained with.
    """

    name = "minilm-l6-similarity"
    task = "sentence-similarity"

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(LENGTHS[-1])

    def info(self) -> ModelInfo:
        """Identity; the digest covers the encoder and the lengths. Raises AssetError."""
        return ModelInfo(
            name=self.name,
            digest=content_digest({**encoder_digests(), "lengths": LENGTHS}),
            licence=ENCODER.licence,
            parameters=PARAMETERS,
            sources=(
                f"{ENCODER.label}, sha256 {ENCODER.sha256}",
                "arXiv 2002.10957",
                "arXiv 1908.10084",
            ),
            description="all-MiniLM-L6-v2, cosine of the embeddings of two texts",
        )

    def networks(self) -> tuple[Network, ...]:
        """One, "forward": both texts in one call."""
        return (cosine_network(LENGTHS, _build),)

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """One call. Raises UnsupportedSetupError for any option."""
        return Forward(options)

    def preprocess(self, examples: Sequence[tuple[str, str]]) -> list[Inputs]:
        """Pairs of texts as ids and mask, padded to 64, 128 or 256 tokens."""
        return [self._prepared(pair) for pair in examples]

    def postprocess(self, output: Output, inputs: Inputs) -> float:
        """The cosine."""
        return float(output[0, 0])

    def _prepared(self, pair: tuple[str, str]) -> Inputs:
        encoded = self._tokenizer.encode_batch(list(pair))
        return {
            "input_ids": padded([e.ids for e in encoded], LENGTHS)[None],
            "attention_mask": padded([e.attention_mask for e in encoded], LENGTHS)[None],
        }


def _build() -> torch.nn.Module:
    return cosine_module(load_bert(), sentence_embedding)
