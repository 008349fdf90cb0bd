"""Sentiment classifiers of the hub: any encoder ``...ForSequenceClassification`` with two labels.

Which logit is for positive is read from the labels in config.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from wattmark.contracts import Inputs, InputSpec, Network, Output, Pipeline
from wattmark.errors import InputError
from wattmark.models.hub.hub_encoder import (
    load_pretrained,
    padded_tokens,
    stated_pad_token,
    token_lengths,
)
from wattmark.models.hub.hub_files import ModelFiles
from wattmark.models.hub.hub_padding import last_token_classifier, require_padding_unread
from wattmark.pipelines.forward import Forward
from wattmark.records import ModelInfo

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

LENGTHS = (32, 64, 128)
#: what models call the two classes, case apart; "label_1" is transformers' own name for index 1
NEGATIVE, POSITIVE = ("negative", "neg", "label_0"), ("positive", "pos", "label_1")


class HubTextClassification:
    """Token ids and mask in, two logits out: (1, length) int64 twice, and (1, 2) float32.

    Logit 0 is for negative, logit 1 for positive, whatever the model's own order.
    """

    task = "text-classification"

    def __init__(self, name: str) -> None:
        self.name = name
        self._files = ModelFiles(name, self.task, ("ForSequenceClassification",))

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        return token_lengths(self._files, LENGTHS)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = self._files.tokenizer()
        tokenizer.enable_truncation(self._lengths[-1])
        return tokenizer

    @cached_property
    def _flipped(self) -> bool:
        """Whether logit 0 is the one for positive. Raises InputError for other labels."""
        named = self._files.config.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}
        labels = [str(named[key]) for key in sorted(named, key=int)]
        folded = [label.casefold() for label in labels]
        for flipped, (first, second) in enumerate(((NEGATIVE, POSITIVE), (POSITIVE, NEGATIVE))):
            if len(folded) == 2 and folded[0] in first and folded[1] in second:
                return bool(flipped)
        raise InputError(
            f"{self.name} has the labels {', '.join(labels)}, but the task {self.task} asks for "
            "negative and positive: choose a model with these two"
        )

    def info(self) -> ModelInfo:
        """Identity. Raises AssetError, and InputError where the model does not fit the task."""
        # without a padding token a decoder is read at its last real token: another network
        bare = {"padding": "none"} if stated_pad_token(self._files) is None else {}
        limits = {"lengths": self._lengths, "flipped": self._flipped, **bare}
        return self._files.info(limits)

    def networks(self) -> tuple[Network, ...]:
        """One, "forward"."""
        inputs = tuple(
            InputSpec(name, "int64", (1, "length")) for name in ("input_ids", "attention_mask")
        )
        return (Network("forward", inputs, self._build, axes={"length": self._lengths}),)

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """One call. Raises UnsupportedSetupError for any option."""
        return Forward(options)

    def preprocess(self, examples: Sequence[str]) -> list[Inputs]:
        """Texts as ids and mask, padded to 32, 64 or 128 tokens."""
        encoded = self._tokenizer.encode_batch(list(examples))
        return [padded_tokens(self._files, [text], self._lengths) for text in encoded]

    def postprocess(self, output: Output, inputs: Inputs) -> Output:
        """The two logits, as they are."""
        return output

    def _build(self) -> torch.nn.Module:
        import torch

        flipped = self._flipped

        class Classifier(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
            """Ids and mask (n, length) to logits (n, 2)."""

            def __init__(self, model: torch.nn.Module) -> None:
                super().__init__()
                self.model = model

            def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
                logits = self.model(input_ids=ids, attention_mask=mask).logits
                return logits.flip(1) if flipped else logits

        model = load_pretrained(self._files, "AutoModelForSequenceClassification")
        made = Classifier(last_token_classifier(model, self._files)).eval()
        require_padding_unread(self._files, self._lengths, Classifier(model), made)
        return made
