"""MiniLM-L6 with a sentiment head: a six-layer transformer encoder, 22.6 M parameters.

The head is a logistic regression on the sentence embedding of
:mod:`wattmark.models.networks.minilm_l6`, trained by ``training/train_sentiment_head.py``; see the
model card, ``minilm_l6_sentiment.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.contracts import Inputs, InputSpec, Network, Output, Pipeline
from wattmark.errors import AssetError
from wattmark.models.networks.minilm_l6 import (
    ENCODER,
    PARAMETERS,
    WIDTH,
    encoder_digests,
    load_bert,
    load_tokenizer,
    padded,
    sentence_embedding,
)
from wattmark.pipelines.forward import Forward
from wattmark.records import ModelInfo, content_digest

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

HEAD = Path(__file__).with_name("minilm_l6_sentiment_head.json")
LENGTHS = (32, 64, 128)


class MiniLmSentiment:
    """Token ids and mask in, two logits out: (1, length) int64 twice, and (1, 2) float32.

    Logit 0 is for negative, logit 1 for positive. Texts are cut to 128 tokens.
    """

    name = "minilm-l6-sentiment"
    task = "text-classification"

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(LENGTHS[-1])

    def info(self) -> ModelInfo:
        """Identity; the digest covers the encoder, the head and the lengths. Raises AssetError."""
        weight, bias = read_head()
        return ModelInfo(
            name=self.name,
            digest=content_digest(
                {**encoder_digests(), "head": [*weight, bias], "lengths": LENGTHS}
            ),
            licence=ENCODER.licence,
            parameters=PARAMETERS + 2 * WIDTH + 2,
            sources=(
                f"{ENCODER.label}, sha256 {ENCODER.sha256}",
                "arXiv 2002.10957",
                "head: training/train_sentiment_head.py",
            ),
            description="all-MiniLM-L6-v2 with a logistic head for film reviews",
        )

    def networks(self) -> tuple[Network, ...]:
        """One, "forward"."""
        inputs = tuple(
            InputSpec(name, "int64", (1, "length")) for name in ("input_ids", "attention_mask")
        )
        return (Network("forward", inputs, _build, axes={"length": LENGTHS}),)

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """One call. Raises UnsupportedSetupError for any option."""
        return Forward(options)

    def preprocess(self, examples: Sequence[str]) -> list[Inputs]:
        """Texts as ids and mask, padded to 32, 64 or 128 tokens."""
        return [
            {
                "input_ids": padded([e.ids], LENGTHS),
                "attention_mask": padded([e.attention_mask], LENGTHS),
            }
            for e in self._tokenizer.encode_batch(list(examples))
        ]

    def postprocess(self, output: Output, inputs: Inputs) -> Output:
        """The two logits, as they are."""
        return output


def read_head() -> tuple[list[float], float]:
    """The head's 384 weights and its bias. Raises AssetError where the file is damaged."""
    try:
        data = json.loads(HEAD.read_text())
        weight, bias = [float(x) for x in data["weight"]], float(data["bias"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AssetError(
            f"the sentiment head {HEAD.name} cannot be read ({error}): reinstall wattmark, "
            f"or train it with training/train_sentiment_head.py"
        ) from error
    if len(weight) != WIDTH:
        raise AssetError(f"the sentiment head {HEAD.name} has {len(weight)} weights, not {WIDTH}")
    return weight, bias


def _build() -> torch.nn.Module:
    import torch

    class Classifier(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        """Ids and mask (n, length) to logits (n, 2); length is free from 2 to 512."""

        def __init__(self) -> None:
            super().__init__()
            self.bert = load_bert()
            self.head = torch.nn.Linear(WIDTH, 2)
            weight, bias = (torch.tensor(x, dtype=torch.float64) for x in read_head())
            with torch.no_grad():
                # two logits whose difference is the logistic regression's
                self.head.weight.copy_(torch.stack([-weight, weight]) / 2)
                self.head.bias.copy_(torch.stack([-bias, bias]) / 2)

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return self.head(sentence_embedding(self.bert, ids, mask))

    return Classifier().eval()
