"""What of a reply's tokens is known from the times of its pieces.

A server may put several tokens into one piece (speculative decoding, a proxy that gathers), and a
reply goes on after its last token (usage, ``[DONE]``). So time per output token is::

    (time of the last piece - time of the first) / (tokens - tokens of the first piece)

where the first piece is all that came at the time of the first token. How many tokens that held is
known where the server counts along, or a tokenizer does. Else each piece holds at least one, which
bounds the number of tokens after the first from both sides; where the bounds lie within
``MOST_SPREAD`` of each other, the figure is known as well as that, and else it is missing.

The end of the text is a token too, which servers count in ``usage`` and send no text for: where a
generation stopped by itself in an event without text, one token more than pieces is that one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattmark.endpoints.outcomes import Request

#: Bounds on a number of tokens that are this close are as good as the number.
MOST_SPREAD = 0.05

NOT_STREAMED = "no text was streamed"
UNCOUNTED = "nobody counted the tokens: name a --tokenizer"
AT_ONCE = "all tokens came at the same time"
SEVERAL_A_PIECE = (
    "pieces of the stream hold several tokens, and how many is not known: name a --tokenizer"
)
NO_MORE = "no token was counted after the first piece, though text came: another tokenizer's?"
MORE_PIECES = "the stream has more pieces than tokens were counted, so a piece is no token"


def tpot_ns(request: Request) -> float | str:
    """Time per output token after the first in ns, or why it is not known."""
    after = _tokens_after_first(request)
    if isinstance(after, str):
        return after
    assert request.first_token_ns is not None and request.last_token_ns is not None
    return (request.last_token_ns - request.first_token_ns) / after


def gaps_ns(request: Request) -> NDArray[np.int64] | str:
    """Times between tokens that follow each other, shape (pieces - 1,), or why they aren't known.

    Known where pieces are single tokens, up to ``MOST_SPREAD`` of them.
    """
    streamed = _streamed_tokens(request)
    if isinstance(streamed, str):
        return streamed
    if request.pieces > 1 and request.last_token_ns == request.first_token_ns:
        return AT_ONCE
    if request.pieces > streamed:
        return MORE_PIECES
    if streamed > request.pieces * (1 + MOST_SPREAD):
        return SEVERAL_A_PIECE
    if len(request.token_times_ns) < 2:
        return "a reply of one piece has no gap"
    times_ns: NDArray[np.int64] = np.asarray(request.token_times_ns, dtype=np.int64)
    return times_ns[1:] - times_ns[:-1]


def one_token_a_piece(request: Request) -> bool:
    """Whether the counts say that every piece is a token, so that nobody need count the first."""
    return _streamed_tokens(request) == request.pieces


def _streamed_tokens(request: Request) -> int | str:
    """How many tokens all pieces held, or why that is not known."""
    if request.first_token_ns is None or request.last_token_ns is None:
        return NOT_STREAMED
    if request.streamed_tokens is not None:
        return request.streamed_tokens
    if request.tokens_out is None:
        return request.count_fault or UNCOUNTED
    ended = request.silent_end and request.tokens_out == request.pieces + 1
    return request.tokens_out - ended


def _tokens_after_first(request: Request) -> int | str:
    streamed = _streamed_tokens(request)
    if isinstance(streamed, str):
        return streamed
    later = request.pieces - request.first_pieces
    if later < 1 or request.last_token_ns == request.first_token_ns:
        return AT_ONCE
    if request.first_tokens is not None:
        after = streamed - request.first_tokens
        return after if after >= 1 else NO_MORE
    most = streamed - request.first_pieces
    if most < later:
        return MORE_PIECES
    return most if most <= later * (1 + MOST_SPREAD) else SEVERAL_A_PIECE
