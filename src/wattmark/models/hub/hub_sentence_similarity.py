"""Sentence encoders of the hub: the cosine of two texts' embeddings.

The embedding is pooled as the repository says (``1_Pooling/config.json`` of sentence-transformers):
the mean over real tokens, or the first token. Reimers and Gurevych, "Sentence-BERT", EMNLP 2019,
arXiv 1908.10084. A prompt that some encoders want before a text is not added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from wattmark.contracts import Inputs, Network, Output, Pipeline
from wattmark.errors import CorruptArchiveError, InputError
from wattmark.models.hub.hub_encoder import load_pretrained, padded_tokens, token_lengths
from wattmark.models.hub.hub_files import ModelFiles
from wattmark.models.hub.hub_padding import require_padding_unread
from wattmark.models.networks.minilm_l6 import sentence_embedding
from wattmark.models.networks.sentence_cosine import LENGTHS, cosine_module, cosine_network
from wattmark.pipelines.forward import Forward
from wattmark.records import ModelInfo

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

_MODE = "pooling_mode_"
_PARTS, _KNOWN_PARTS = "modules.json", ("Transformer", "Pooling", "Normalize")


class HubSentenceSimilarity:
    """Two texts in, their cosine out: (1, 2, length) int64 twice, and (1, 1) float32."""

    task = "sentence-similarity"

    def __init__(self, name: str) -> None:
        self.name = name
        self._files = ModelFiles(name, self.task, ("Model",))

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        return token_lengths(self._files, LENGTHS)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = self._files.tokenizer()
        tokenizer.enable_truncation(self._lengths[-1])
        return tokenizer

    @cached_property
    def _first_token(self) -> bool:
        """Whether the first token is the embedding, not the mean. Raises InputError for others."""
        self._require_known_parts()
        settings = self._files.settings("1_Pooling/config.json") or {f"{_MODE}mean_tokens": True}
        pooled = settings.get("pooling_mode")
        modes = [k.removeprefix(_MODE) for k, on in settings.items() if on and k.startswith(_MODE)]
        modes = modes or ([f"{pooled}_tokens"] if pooled == "mean" else [f"{pooled}_token"])
        if modes not in (["cls_token"], ["mean_tokens"]):
            raise InputError(
                f"{self.name} pools by {', '.join(modes)}: choose a sentence encoder that takes "
                "the mean over tokens, or the first token"
            )
        return modes == ["cls_token"]

    def _require_known_parts(self) -> None:
        """Raises InputError where more than pooling and length 1 comes after the encoder."""
        try:
            parts = [str(part["type"]) for part in json.loads(self._files.text(_PARTS) or "[]")]
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptArchiveError(f"{_PARTS} of {self.name}: {error!r}") from error
        unknown = [part for part in parts if not part.endswith(_KNOWN_PARTS)]
        if unknown:
            raise InputError(
                f"{self.name} has the parts {', '.join(unknown)}, which are not supported: choose "
                "a sentence encoder of a transformer and pooling alone"
            )

    def info(self) -> ModelInfo:
        """Identity. Raises AssetError, and InputError where the model does not fit the task."""
        return self._files.info({"lengths": self._lengths, "first token": self._first_token})

    def networks(self) -> tuple[Network, ...]:
        """One, "forward": both texts in one call."""
        return (cosine_network(self._lengths, self._build),)

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
        columns = padded_tokens(self._files, encoded, self._lengths)
        return {name: np.ascontiguousarray(rows[None]) for name, rows in columns.items()}

    def _build(self) -> torch.nn.Module:
        # a pooler comes after the hidden states, which are all that is used
        model = load_pretrained(self._files, "AutoModel", unused=("pooler.",))
        if hasattr(model, "pooler"):
            model.pooler = None
        embed = _first_token if self._first_token else sentence_embedding

        def embedded(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return embed(model, ids, mask)

        require_padding_unread(self._files, self._lengths, embedded, embedded)
        return cosine_module(model, embed)


def _first_token(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The hidden state of each text's first token, of length 1."""
    import torch

    hidden = model(ids, attention_mask=mask).last_hidden_state[:, 0]
    return torch.nn.functional.normalize(hidden, dim=1)
