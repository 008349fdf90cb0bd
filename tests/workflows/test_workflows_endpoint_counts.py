"""Tokens that a tokenizer counts where a server's counts leave something open."""

from __future__ import annotations

from array import array
from typing import Any

from wattmark.endpoints.outcomes import Load, Request, TokenSource
from wattmark.endpoints.token_times import tpot_ns
from wattmark.workflows.endpoint_runs import _count


def streamed(**fields: Any) -> Load:
    """Five pieces 10 ns apart, of which the first holds four words."""
    times = array("q", range(100, 150, 10))
    request = Request(
        0, 0, 0, first_token_ns=100, last_token_ns=140, pieces=5, first_pieces=1, **fields
    )
    request.token_times_ns = times
    text = "four words in one x x x x"
    return Load("", 1, [request], {0: text}, {0: "four words in one "})


def words(text: str) -> int:
    return len(text.split())


def test_a_tokenizer_tells_how_many_tokens_the_first_piece_held() -> None:
    for tokens in (8, 9, None):  # the server's ninth is the end of the text
        load = streamed(tokens_out=tokens)
        _count(load, words)
        (request,) = load.requests
        assert (request.first_tokens, request.tokens_out) == (4, tokens or 8)
        assert request.token_source is (None if tokens else TokenSource.TOKENIZER)
        assert tpot_ns(request) == 40 / 4


def test_where_every_piece_is_a_token_no_tokenizer_is_asked_about_the_first() -> None:
    load = streamed(tokens_out=5)
    _count(load, lambda text: 1)  # of another model
    assert load.requests[0].first_tokens is None
    assert tpot_ns(load.requests[0]) == 40 / 4
