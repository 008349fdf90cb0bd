"""What encoders of the hub share: lengths, padded texts, and weights through ``transformers``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wattmark.contracts import Inputs
from wattmark.errors import AssetError, MissingPackageError
from wattmark.models.hub.hub_files import ModelFiles
from wattmark.models.networks.minilm_l6 import padded

if TYPE_CHECKING:
    from tokenizers import Encoding

#: families that number positions from the padding token's id + 1 on
_OFFSET = (
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
    "camembert",
    "data2vec-text",
    "ibert",
    "mpnet",
    "longformer",
    "luke",
    "esm",
)
#: what families call the number of positions in config.json
_POSITIONS = (
    "max_position_embeddings",
    "n_positions",  # GPT-2, GPT-J, CodeGen, CTRL
    "n_ctx",
    "max_seq_len",  # MPT
    "max_sequence_length",
    "max_encoder_position_embeddings",  # LED
)


def token_lengths(files: ModelFiles, lengths: Sequence[int]) -> tuple[int, ...]:
    """Those of ``lengths`` that the model has positions for; where none is, its own limit.

    Raises AssetError.
    """
    limit = min([n for key in _POSITIONS if (n := _count(files.config.get(key)))] or [max(lengths)])
    if files.config.get("model_type") in _OFFSET:
        limit -= pad_token(files) + 1
    for file, key in (
        ("tokenizer_config.json", "model_max_length"),
        ("sentence_bert_config.json", "max_seq_length"),
    ):
        limit = min(limit, _count(files.settings(file).get(key)) or limit)
    if limit < 1:
        raise AssetError(f"config.json of {files.name} leaves no position for a token")
    return tuple(length for length in lengths if length <= limit) or (limit,)


def _count(value: object) -> int | None:
    """A number of tokens as settings write it; None for what is none (no limit, -1, text)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 1:
        return None
    return int(min(value, 1 << 30))


def stated_pad_token(files: ModelFiles) -> int | None:
    """The padding token that config.json names, where it is one that the embedding has."""
    named = files.config.get("pad_token_id")
    rows = _count(files.config.get("vocab_size")) or 0
    known = isinstance(named, int) and not isinstance(named, bool) and 0 <= named < rows
    return named if known else None


def pad_token(files: ModelFiles) -> int:
    """Id of the token that fills up texts: the padding token, or any where none is named."""
    return stated_pad_token(files) or 0


def padded_tokens(files: ModelFiles, texts: Sequence[Encoding], lengths: Sequence[int]) -> Inputs:
    """``input_ids`` and ``attention_mask`` (n, length), of the smallest length that fits all."""
    ids = padded([text.ids for text in texts], lengths)
    mask = padded([text.attention_mask for text in texts], lengths)
    ids[mask == 0] = pad_token(files)
    return {"input_ids": ids, "attention_mask": mask}


def load_pretrained(files: ModelFiles, auto: str, unused: tuple[str, ...] = ()) -> Any:
    """The model in float32 and eval mode, by the class of ``transformers`` named ``auto``.

    ``unused`` are beginnings of the names of weights that may be missing. Raises AssetError where
    transformers has no such model, or weights are missing, and MissingPackageError.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingPackageError(
            f"{files.name} needs transformers: install wattmark[torch]"
        ) from error
    try:
        model, found = getattr(transformers, auto).from_pretrained(
            files.folder,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    except Exception as error:  # whatever transformers raises for settings that it cannot use
        raise AssetError(
            f"transformers {transformers.__version__} cannot load {files.name} as {auto}: {error}; "
            "models that bring their own code are not supported"
        ) from error
    missing = sorted(name for name in found["missing_keys"] if not name.startswith(unused))
    if missing:
        raise AssetError(
            f"{len(missing)} weights of {files.name} are missing, such as {missing[0]}: they would "
            f"be random; take a model that was trained as {type(model).__name__}"
        )
    return model.eval()
