"""MiniLM-L6 with a span head: where in a passage is the answer to a question? 22.6 M parameters.

A linear layer gives every token two numbers, for the answer's start and its end (Devlin et al.,
"BERT", NAACL 2019, arXiv 1810.04805, section 4.2). The lower three layers are the sentence
encoder's own; the upper three and the head were trained by ``training/train_span_head.py``. See
the model card, ``minilm_l6_qa.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wattmark.assets.digest import file_sha256
from wattmark.contracts import Inputs, InputSpec, Network, Output, Pipeline
from wattmark.errors import AssetError
from wattmark.models.networks.minilm_l6 import (
    ENCODER,
    PARAMETERS,
    SEP_ID,
    WIDTH,
    encoder_digests,
    load_bert,
    load_tokenizer,
    padded,
)
from wattmark.pipelines.forward import Forward
from wattmark.records import ModelInfo, content_digest

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

#: layers that were trained; those below are the encoder's
TRAINED_LAYERS = (3, 4, 5)
#: parts of the trained weights, each a file of float16 arrays beside this one
PARTS = (*(f"layer_{n}" for n in TRAINED_LAYERS), "head")

LENGTHS = (128, 256, 384)
#: longest question and longest answer, in tokens; a longer question is cut
QUESTION_TOKENS, ANSWER_TOKENS = 64, 24


class MiniLmQa:
    """Question and passage in, two logits a token out: (1, length) int64 three times, and
    (1, 2, length) float32, starts before ends. The passage is cut to what fits in 384 tokens."""

    name = "minilm-l6-qa"
    task = "extractive-question-answering"

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(LENGTHS[-1], cut="only_second")

    def info(self) -> ModelInfo:
        """Identity; the digest covers encoder, trained layers, head and lengths.

        Raises AssetError.
        """
        trained = {part: file_sha256(_existing(part)) for part in PARTS}
        limits = {"lengths": LENGTHS, "question": QUESTION_TOKENS, "answer": ANSWER_TOKENS}
        return ModelInfo(
            name=self.name,
            digest=content_digest({**encoder_digests(), **trained, **limits}),
            licence=f"{ENCODER.licence}; trained layers and head Apache-2.0",
            parameters=PARAMETERS + 2 * WIDTH + 2,
            sources=(
                f"{ENCODER.label}, sha256 {ENCODER.sha256}",
                "arXiv 2002.10957",
                "upper layers and head: training/train_span_head.py",
            ),
            description="all-MiniLM-L6-v2 with a span head for questions about a passage",
        )

    def networks(self) -> tuple[Network, ...]:
        """One, "forward"."""
        inputs = tuple(
            InputSpec(name, "int64", (1, "length"))
            for name in ("input_ids", "attention_mask", "token_type_ids")
        )
        return (Network("forward", inputs, self._build, axes={"length": LENGTHS}),)

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """One call. Raises UnsupportedSetupError for any option."""
        return Forward(options)

    def preprocess(self, examples: Sequence[tuple[str, str]]) -> list[Inputs]:
        """(question, passage) pairs as BERT reads them, padded to 128, 256 or 384 tokens."""
        return [self._prepared(question, passage) for question, passage in examples]

    def postprocess(self, output: Output, inputs: Inputs) -> str:
        """The words of the best span, as the tokenizer writes them: lower case, no accents."""
        start, end = best_span(output[0], passage_tokens(inputs))
        return self.text(inputs["input_ids"][0, start : end + 1].tolist())

    def text(self, ids: Sequence[int]) -> str:
        """Tokens as text; figures such as 1,864.5 are put together again."""
        decoded = str(self._tokenizer.decode(list(ids)))
        return re.sub(r"(?<=\d) ?([,.:]) ?(?=\d)", r"\1", decoded)

    def _prepared(self, question: str, passage: str) -> Inputs:
        asked = self._tokenizer.encode(question, add_special_tokens=False)
        if len(asked.ids) > QUESTION_TOKENS:
            question = question[: asked.offsets[QUESTION_TOKENS - 1][1]]
        pair = self._tokenizer.encode(question, passage)
        rows = (pair.ids, pair.attention_mask, pair.type_ids)
        names = ("input_ids", "attention_mask", "token_type_ids")
        return {name: padded([row], LENGTHS) for name, row in zip(names, rows, strict=True)}

    def _build(self) -> torch.nn.Module:
        """Encoder and head in eval mode; length is free from 2 to 512. Raises AssetError."""
        import torch

        bert, head = load_bert(), torch.nn.Linear(WIDTH, 2)
        for part, module in trained_modules(bert, head).items():
            with np.load(_existing(part)) as arrays:
                module.load_state_dict({k: torch.from_numpy(a) for k, a in arrays.items()})
        return span_module(bert, head).eval()


def span_module(bert: Any, head: torch.nn.Module) -> torch.nn.Module:
    """The network: ids, mask and segments (n, length) to logits (n, 2, length).

    Nothing is masked, so that every number that a framework gives can be compared.
    """
    import torch

    class Spans(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        def __init__(self) -> None:
            super().__init__()
            self.bert = bert
            self.head = head

        def forward(
            self, ids: torch.Tensor, mask: torch.Tensor, segments: torch.Tensor
        ) -> torch.Tensor:
            hidden = self.bert(ids, attention_mask=mask, token_type_ids=segments)
            return self.head(hidden.last_hidden_state).transpose(1, 2)

    return Spans()


def passage_tokens(inputs: Inputs) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which tokens of a query are of the passage: those that an answer may be made of."""
    return np.asarray((inputs["token_type_ids"][0] == 1) & (inputs["input_ids"][0] != SEP_ID))


def best_span(logits: Output, allowed: np.ndarray[Any, Any]) -> tuple[int, int]:
    """First and last token of the best answer: largest start + end logit among the spans of at
    most 24 tokens whose ends are ``allowed``. ``logits`` is (2, length)."""
    if not allowed.any():
        return 0, 0
    # large and finite: a sum of two stays finite
    starts, ends = np.where(allowed, logits.astype(np.float64), -1e9)
    length = len(starts)
    scores = np.full((length, ANSWER_TOKENS), -np.inf)
    for extra in range(min(ANSWER_TOKENS, length)):
        scores[: length - extra, extra] = starts[: length - extra] + ends[extra:]
    start, extra = divmod(int(scores.argmax()), ANSWER_TOKENS)
    return start, start + extra


def weights_file(part: str) -> Path:
    """Where a part of the trained weights lies."""
    return Path(__file__).with_name(f"minilm_l6_qa_{part}.npz")


def trained_modules(bert: Any, head: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """What each part holds the weights of."""
    layers = bert.encoder.layer
    return dict(zip(PARTS, [*(layers[n] for n in TRAINED_LAYERS), head], strict=True))


def _existing(part: str) -> Path:
    file = weights_file(part)
    if not file.is_file():
        raise AssetError(
            f"the trained weights {file.name} are missing: reinstall wattmark, "
            f"or train them with training/train_span_head.py"
        )
    return file
