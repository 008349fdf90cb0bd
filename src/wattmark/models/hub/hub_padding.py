"""Whether an encoder answers a padded text as it answers the text alone.

A compiled program has one length, so texts are padded on the right, with a mask that says where.
Some architectures read what the mask hides: a decoder that classifies by its last position where
no padding token is known, one that pads on the left (XLNet), or one that has no mask at all (the
Fourier transforms of FNet, arXiv 2105.03824) or convolves over it (ConvBERT, arXiv 2008.02496).
Their quality would be measured wrongly and nothing would say so. So each model is asked the same
texts both ways when it is built, whatever its family, and refused where the answers differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wattmark.errors import InputError
from wattmark.models.hub.hub_encoder import pad_token, stated_pad_token
from wattmark.models.hub.hub_files import ModelFiles

if TYPE_CHECKING:
    import torch

    #: ids and mask (1, length) to what is compared: numbers that do not depend on the length
    Ask = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

#: of the largest number of an answer, as conversions in FP32 are checked
TOLERANCE = 1e-4
_SEED = 18
#: what architectures raise where settings that they need are missing
_FAULTS = (ValueError, LookupError, RuntimeError, TypeError, AttributeError, AssertionError)


class _Classified(NamedTuple):
    """What classifiers of transformers give, as far as it is used."""

    logits: torch.Tensor


def last_token_classifier(model: Any, files: ModelFiles) -> Any:
    """The model, or, of a decoder that knows no padding token, one that is told the last real
    token by the mask: what transformers reads of a text alone is its last position.
    """
    if stated_pad_token(files) is not None or not hasattr(model, "score"):
        return model
    import torch

    class AtLastToken(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        """``input_ids`` and ``attention_mask`` (n, length), padded right, to ``logits``."""

        def __init__(self) -> None:
            super().__init__()
            self.body, self.score = model.base_model, model.score

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> _Classified:
            hidden = self.body(input_ids=input_ids, attention_mask=attention_mask)[0]
            last = (attention_mask.sum(1) - 1)[:, None, None].expand(-1, 1, hidden.shape[-1])
            return _Classified(self.score(hidden.gather(1, last)[:, 0]))

    return AtLastToken().eval()


def require_padding_unread(
    files: ModelFiles, lengths: Sequence[int], alone: Ask, padded: Ask
) -> None:
    """Ask for texts ``alone`` and ``padded`` to the lengths that are used.

    Both give the same numbers for the same text: logits, spans of its real tokens, an embedding.
    Raises InputError that names the architecture, by how much they differ, and what to do.
    """
    import torch

    pad = pad_token(files)
    for ids, length in _texts(files, lengths):
        mask = [1] * len(ids) + [0] * (length - len(ids))
        filled = [*ids, *[pad] * (length - len(ids))]
        try:
            with torch.inference_mode():
                expected = alone(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.int64))
                found = padded(torch.tensor([filled]), torch.tensor([mask]))
        except _FAULTS as error:
            what = f"cannot be asked a text of {len(ids)} tokens ({error!r})"
            raise _refused(files, what) from error
        scale = float(expected.abs().max())
        differ = float((found - expected).abs().max()) / (scale or 1.0)
        if not differ <= TOLERANCE:
            raise _refused(
                files,
                f"reads padding: the same text of {len(ids)} tokens, padded to {length}, is "
                f"answered with numbers that differ by {differ:.1e} of the largest (at most "
                f"{TOLERANCE:.0e} is allowed)",
            )


def _refused(files: ModelFiles, what: str) -> InputError:
    named = ", ".join(map(str, files.config.get("architectures") or ["model"]))
    cure = (
        "choose a model that takes an attention mask and is padded on the right"
        if stated_pad_token(files) is not None
        else "config.json has no pad_token_id that is one of its tokens: set it to the token that "
        "the model was trained to be padded with, or choose another model"
    )
    return InputError(f"{files.name} ({named}) {what}, so its quality would be wrong; {cure}")


def _texts(files: ModelFiles, lengths: Sequence[int]) -> list[tuple[list[int], int]]:
    """Tokens of texts of random words, and the length that each is padded to."""
    tokenizer = files.tokenizer()
    words = tokenizer.get_vocab_size()
    drawn = np.random.default_rng(_SEED).integers(0, words, 2 * max(lengths)).tolist()
    text = str(tokenizer.decode(drawn))
    shortest, longest = min(lengths), max(lengths)
    wanted = [(shortest // 4, shortest), (longest // 2 + 1, longest), (longest - 1, longest)]
    found = []
    for tokens, length in wanted:
        tokenizer.enable_truncation(max(3, tokens))
        ids: list[int] = tokenizer.encode(text).ids
        if 0 < len(ids) <= length:
            found.append((ids, length))
    return found
