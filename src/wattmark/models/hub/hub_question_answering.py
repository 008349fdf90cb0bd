"""Extractive question answering with encoders of the hub: ``...ForQuestionAnswering``.

A linear layer gives every token two numbers, for the answer's start and its end (Devlin et al.,
"BERT", NAACL 2019, arXiv 1810.04805, section 4.2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Inputs, InputSpec, Network, Output, Pipeline
from wattmark.models.hub.hub_encoder import load_pretrained, padded_tokens, token_lengths
from wattmark.models.hub.hub_files import ModelFiles
from wattmark.models.hub.hub_padding import require_padding_unread
from wattmark.models.minilm_l6_qa import ANSWER_TOKENS, QUESTION_TOKENS, best_span
from wattmark.models.networks.minilm_l6 import padded
from wattmark.pipelines.forward import Forward
from wattmark.records import ModelInfo

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

LENGTHS = (128, 256, 384)


class HubQuestionAnswering:
    """Question and passage in, two logits a token out: (1, length) int64 two or three times (the
    third where the model tells the two apart by segments), and (1, 2, length) float32, starts
    before ends. The passage is cut to what fits."""

    task = "extractive-question-answering"

    def __init__(self, name: str) -> None:
        self.name = name
        self._files = ModelFiles(name, self.task, ("ForQuestionAnswering",))

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        return token_lengths(self._files, LENGTHS)

    @property
    def _question_tokens(self) -> int:
        return min(QUESTION_TOKENS, self._lengths[-1] // 2)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = self._files.tokenizer()
        tokenizer.enable_truncation(self._lengths[-1], strategy="only_second")
        return tokenizer

    @property
    def _inputs(self) -> tuple[str, ...]:
        segments = self._files.config.get("type_vocab_size", 0) > 1
        return ("input_ids", "attention_mask", *(["token_type_ids"] if segments else []))

    def info(self) -> ModelInfo:
        """Identity. Raises AssetError, and InputError where the model does not fit the task."""
        limits = {"question": self._question_tokens, "answer": ANSWER_TOKENS}
        return self._files.info({"lengths": self._lengths, **limits})

    def networks(self) -> tuple[Network, ...]:
        """One, "forward"."""
        inputs = tuple(InputSpec(name, "int64", (1, "length")) for name in self._inputs)
        return (Network("forward", inputs, self._build, axes={"length": self._lengths}),)

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """One call. Raises UnsupportedSetupError for any option."""
        return Forward(options)

    def preprocess(self, examples: Sequence[tuple[str, str]]) -> list[Inputs]:
        """(question, passage) pairs, padded to 128, 256 or 384 tokens."""
        return [self._prepared(question, passage) for question, passage in examples]

    def postprocess(self, output: Output, inputs: Inputs) -> str:
        """The words of the best span, as the tokenizer writes them."""
        start, end = best_span(output[0], passage_tokens(inputs))
        text = str(self._tokenizer.decode(inputs["input_ids"][0, start : end + 1].tolist()))
        # figures such as 1,864.5 are put together again
        return re.sub(r"(?<=\d) ?([,.:]) ?(?=\d)", r"\1", text).strip()

    def _prepared(self, question: str, passage: str) -> Inputs:
        asked = self._tokenizer.encode(question, add_special_tokens=False)
        if len(asked.ids) > self._question_tokens:
            question = question[: asked.offsets[self._question_tokens - 1][1]]
        pair = self._tokenizer.encode(question, passage)
        found = padded_tokens(self._files, [pair], self._lengths)
        found["token_type_ids"] = padded([pair.type_ids], self._lengths)
        return {name: found[name] for name in self._inputs}

    def _build(self) -> torch.nn.Module:
        import torch

        class Spans(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
            """Ids, mask and perhaps segments (n, length) to logits (n, 2, length)."""

            def __init__(self, model: torch.nn.Module) -> None:
                super().__init__()
                self.model = model

            def forward(
                self,
                ids: torch.Tensor,
                mask: torch.Tensor,
                segments: torch.Tensor | None = None,
            ) -> torch.Tensor:
                told = {} if segments is None else {"token_type_ids": segments}
                found = self.model(input_ids=ids, attention_mask=mask, **told)
                return torch.stack((found.start_logits, found.end_logits), dim=1)

        made = Spans(load_pretrained(self._files, "AutoModelForQuestionAnswering")).eval()

        def spans(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return made(ids, mask)[:, :, : int(mask.sum())]

        require_padding_unread(self._files, self._lengths, spans, spans)
        return made


def passage_tokens(inputs: Inputs) -> NDArray[np.bool_]:
    """Which tokens of a query are of the passage.

    A pair is written "... question SEP passage SEP", in some families with two SEP between: the
    last real token is SEP, and the passage lies between it and the SEP before.
    """
    ids = inputs["input_ids"][0]
    last = int(inputs["attention_mask"][0].sum()) - 1
    before = np.flatnonzero(ids[:last] == ids[last])
    places = np.arange(len(ids))
    return np.asarray((places > (before[-1] if len(before) else last)) & (places < last))
