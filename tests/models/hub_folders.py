"""Tiny random models in folders laid out like repositories of the hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

_TEXT = "[PAD] [CLS] [SEP] [UNK] a good bad film who saw it Ann did 3 + = 7 . answer"
WORDS = _TEXT.split()
NARROW = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}


def save_tokenizer(folder: Path, words: list[str] = WORDS) -> None:
    """A word a token, pairs as BERT writes them."""
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([word for word in words if word.startswith(("[", "<|"))])
    if "[SEP]" in vocabulary:
        tokenizer.post_processor = processors.TemplateProcessing(
            "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 1), ("[SEP]", 2)]
        )
    tokenizer.save(str(folder / "tokenizer.json"))


def save(folder: Path, model: Any, words: list[str] = WORDS) -> Any:
    """Random weights that are not all small, so that answers differ."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.2)
    model.eval().save_pretrained(folder)
    save_tokenizer(folder, words)
    return model


def save_bert(folder: Path, kind: str, **settings: Any) -> Any:
    """``kind`` is a class of transformers, such as "BertForQuestionAnswering"."""
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(WORDS), intermediate_size=32, max_position_embeddings=96, pad_token_id=0,
        **NARROW, **settings,
    )  # fmt: skip
    return save(folder, getattr(transformers, kind)(config))


def change(file: Path, **settings: Any) -> None:
    """Overwrite keys of a JSON file; None takes one away."""
    found = {**json.loads(file.read_text()), **settings}
    file.write_text(json.dumps({k: v for k, v in found.items() if v is not None}))
