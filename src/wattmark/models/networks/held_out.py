"""Held-out texts as the tokens of a model: what it is given, and what it should expect after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from wattmark.contracts import HeldOutText
from wattmark.pipelines.greedy import padded_prompt

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def held_out_texts(
    tokenizer: Tokenizer,
    texts: Iterable[tuple[str, str]],
    sizes: Sequence[Mapping[str, int]],
    length: int,
    vocabulary: int,
) -> list[HeldOutText]:
    """(beginning, continuation) pairs, tokenised as one text and cut where the beginning ends.

    A pair is left out whose beginning does not fit into ``length`` tokens, or both into the
    cache, the ``context`` of ``sizes``.
    """
    context = min(size["context"] for size in sizes)
    found = []
    for beginning, continuation in texts:
        whole = beginning + continuation
        encoded = tokenizer.encode(whole)
        ends = [end for _, end in encoded.offsets]
        asked = next((n for n, end in enumerate(ends) if end > len(beginning)), len(ends))
        added = encoded.special_tokens_mask  # what ends a document is not part of the text
        following = [n for n, no_text in zip(encoded.ids, added, strict=True) if not no_text]
        following = following[asked - sum(added[:asked]) :]
        if not 0 < asked <= length or not following or len(encoded.ids) > context:
            continue
        found.append(
            HeldOutText(
                inputs=padded_prompt(encoded.ids[:asked], [length]),
                following=np.array([following], np.int64),
                bytes=len(whole[ends[asked - 1] :].encode()),
                vocabulary=vocabulary,
            )
        )
    return found
