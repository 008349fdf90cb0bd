"""Greedy generation with a key-value cache, for decoders and encoder-decoders alike.

The networks and tensors that it expects:

* ``encode`` (only in encoder-decoders): takes the query's other arrays and writes the cross
  state; its output is not looked at;
* ``decode``: inputs ``input_ids`` (batch, length), ``start`` (batch,) the position of the first
  token of this call, ``last`` (batch,) the index in this call of the last real token, all int64;
  reads and writes the cache; output (batch, vocabulary), the logits of the token after ``last``.

One network serves *prefill*, where length is a padded prompt's, and *decode*, where it is 1.
Prompts are padded on the right: what padding writes into the cache lies after every position that
a real token attends to, until a real token overwrites it. So no attention mask is passed.

Tokens are those of ``transformers``' ``generate(do_sample=False)``: a pinned length is its
``min_new_tokens == max_new_tokens``, which forbids end tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Inputs, Mark, Output, Runners, State
from wattmark.errors import UnsupportedSetupError

#: What an output holds after a row's end token.
NO_TOKEN = -1


class Greedy:
    """Answers a query with the most likely token, again and again.

    ``tokens`` is the pinned number of new tokens, or None to stop at one of ``end``. ``limit`` is
    the largest number that the cache can hold after the longest prompt. ``sizes`` are those of
    the network ``decode``: a prompt's length picks the entry that its cache is made for (the
    first of that ``length``). ``banned`` tokens are never chosen, ``banned_first`` not as the
    first. ``encode`` is the unit of the encoder's work and how many of it a query has.
    """

    def __init__(
        self,
        sizes: Sequence[Mapping[str, int]],
        *,
        tokens: int | None,
        limit: int,
        end: Iterable[int] = (),
        banned: Iterable[int] = (),
        banned_first: Iterable[int] = (),
        encode: tuple[str, int] | None = None,
    ) -> None:
        self.tokens = tokens
        self.limit = limit if tokens is None else tokens
        self._sizes = {size["length"]: size for size in reversed(sizes)}
        self._end = np.array(sorted(set(end)), np.int64)
        never = {*banned} if tokens is None else {*banned, *self._end.tolist()}
        self._banned = frozenset(never)
        self._banned_first = frozenset(never.union(banned_first))
        unit, self._encode_units = encode or ("", 0)
        first = {"encode": unit} if encode else {}
        self.phases: Mapping[str, str] = {**first, "prefill": "token", "decode": "token"}
        #: the phase whose length the answer decides; "" where it is pinned
        self.open_ended = "decode" if tokens is None else ""

    def pinned(self, tokens: int) -> Greedy:
        """The same, with a length of ``tokens`` (no more than the cache holds), whatever ends."""
        made = copy(self)
        made.tokens = made.limit = min(tokens, self.limit)
        made._end, made.open_ended = np.empty(0, np.int64), ""
        return made

    def __call__(self, runners: Runners, inputs: Inputs, mark: Mark) -> Output:
        """New tokens, int64 (batch, n); after its end token a row holds -1.

        Marks ``encode`` when the encoder is done, ``prefill`` with the prompts' real tokens when
        the first token is known, and ``decode`` at every later one with the number of rows that
        still ran. An end token is a token: it is in the output, and in the count.
        """
        return np.stack(list(self.steps(runners, inputs, mark)), axis=1)

    def steps(self, runners: Runners, inputs: Inputs, mark: Mark) -> Iterator[NDArray[np.int64]]:
        """The same, token after token: (batch,) each, -1 in a row that has ended before."""
        last = inputs["last"]
        state = self._start(runners, inputs, mark)
        logits, state = runners["decode"].step(
            {"input_ids": inputs["input_ids"], "start": np.zeros_like(last), "last": last}, state
        )
        token = _largest(logits, self._banned_first)
        mark("prefill", int(last.sum()) + len(last))
        running = self._still_running(token)
        position, only = last + 1, np.zeros_like(last)
        yield token
        for _ in range(1, self.limit):
            if not running.any():
                return
            logits, state = runners["decode"].step(
                {"input_ids": token[:, None], "start": position, "last": only}, state
            )
            token = _largest(logits, self._banned)
            mark("decode", int(running.sum()))
            shown = np.where(running, token, NO_TOKEN)
            running &= self._still_running(token)
            position = position + 1
            yield shown

    def probe(self, runners: Runners, inputs: Inputs) -> Output:
        """Logits (batch, 3, vocabulary): of the prompt without its last two tokens, then of each.

        The two are fed one at a time, as in decode; padding stands in their place in prefill, so
        that they count only if the cache takes them. A prompt of one token is fed it again.
        """
        last = inputs["last"]
        rows, first = np.arange(len(last)), np.maximum(last - 2, 0)
        given = inputs["input_ids"]
        shown = np.where(np.arange(given.shape[1]) <= first[:, None], given, 0)
        state = self._start(runners, inputs, lambda phase, units: None)
        logits, state = runners["decode"].step(
            {"input_ids": shown, "start": np.zeros_like(last), "last": first}, state
        )
        found = [logits.copy()]
        for step in (1, 2):
            token = given[rows, np.minimum(first + step, last)]
            logits, state = runners["decode"].step(
                {"input_ids": token[:, None], "start": first + step, "last": np.zeros_like(last)},
                state,
            )
            found.append(logits.copy())
        return np.stack(found, axis=1)

    def losses(
        self, runners: Runners, inputs: Inputs, following: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """What a text costs that goes on with ``following`` (batch, n), in nats a token.

        Teacher forcing: minus the logarithm of the probability that the model gave to each token
        after the prompt and the true tokens before it, through the same prefill and decode calls
        that generate; (batch, n). Where a row of ``following`` has ended (-1), 0.
        """
        last = inputs["last"]
        state = self._start(runners, inputs, lambda phase, units: None)
        call = {"input_ids": inputs["input_ids"], "start": np.zeros_like(last), "last": last}
        found, only = [], np.zeros_like(last)
        for place in range(following.shape[1]):
            logits, state = runners["decode"].step(call, state)
            found.append(_nats(logits, following[:, place]))
            given = np.maximum(following[:, place : place + 1], 0)
            call = {"input_ids": given, "start": last + 1 + place, "last": only}
        return np.stack(found, axis=1)

    def _start(self, runners: Runners, inputs: Inputs, mark: Mark) -> State:
        """An empty cache, with what the encoder wrote."""
        length = inputs["input_ids"].shape[1]
        if self._sizes and length not in self._sizes:
            raise ValueError(f"a prompt of length {length} is none of {sorted(self._sizes)}")
        state: State = runners["decode"].start(self._sizes.get(length, {}))
        if "encode" not in self.phases:
            return state
        given = {k: v for k, v in inputs.items() if k not in ("input_ids", "last")}
        _, crossed = runners["encode"].step(given, runners["encode"].start({}))
        mark("encode", self._encode_units * len(inputs["last"]))
        return {**state, **crossed}

    def ends(self, token: int) -> bool:
        """Whether an answer ends with this token."""
        return bool((self._end == token).any())

    def _still_running(self, token: NDArray[np.int64]) -> NDArray[np.bool_]:
        return ~np.isin(token, self._end)


def _largest(logits: Output, banned: frozenset[int]) -> NDArray[np.int64]:
    """Index of each row's largest logit among those that are not banned."""
    token: NDArray[np.int64] = logits.argmax(axis=-1).astype(np.int64)
    for row in range(len(token)):
        if int(token[row]) in banned:
            allowed = logits[row].copy()
            allowed[list(banned)] = -np.inf
            token[row] = allowed.argmax()
    return token


def _nats(logits: Output, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    """Minus the log of each row's probability of its token; 0 for NO_TOKEN."""
    exact = logits.astype(np.float64)
    most = exact.max(axis=-1, keepdims=True)
    total = most[:, 0] + np.log(np.exp(exact - most).sum(axis=-1))
    said = exact[np.arange(len(tokens)), np.maximum(tokens, 0)]
    nats: NDArray[np.float64] = np.where(tokens == NO_TOKEN, 0.0, total - said)
    return nats


def tokens_option(options: Mapping[str, str], default: int | None, limit: int) -> int | None:
    """The setup's ``tokens``: a pinned number of new tokens, or None for ``free``.

    ``default`` where it is not given. Raises UnsupportedSetupError for any other option, for a
    number that is not within 1 to ``limit``, and for anything else.
    """
    if unknown := sorted(set(options) - {"tokens"}):
        raise UnsupportedSetupError(
            f"unknown option {unknown[0]!r}: this model generates text and has one option, 'tokens'"
        )
    asked = options.get("tokens")
    if asked is None:
        return default
    if asked == "free":
        return None
    if not (asked.isascii() and asked.isdigit()) or not 1 <= int(asked) <= limit:
        raise UnsupportedSetupError(
            f"tokens={asked!r}: expected a number of new tokens from 1 to {limit}, or 'free'"
        )
    return int(asked)


def padded_prompt(ids: Sequence[int], lengths: Iterable[int], pad: int = 0) -> Inputs:
    """``input_ids`` (1, length) padded on the right to the smallest length that fits, and ``last``.

    Raises ValueError for a prompt that is empty or longer than all ``lengths``.
    """
    fitting = [length for length in sorted(lengths) if length >= len(ids)]
    if not fitting or not ids:
        raise ValueError(f"a prompt of {len(ids)} tokens does not fit into {sorted(lengths)}")
    row = np.full((1, fitting[0]), pad, np.int64)
    row[0, : len(ids)] = ids
    return {"input_ids": row, "last": np.array([len(ids) - 1], np.int64)}


def answer_tokens(output: Output, end: Iterable[int] = ()) -> list[int]:
    """One query's new tokens, without end tokens and what lies behind them."""
    ends = {NO_TOKEN, *end}
    row = output.reshape(-1).tolist()
    stop = next((n for n, token in enumerate(row) if token in ends), len(row))
    return [int(token) for token in row[:stop]]
