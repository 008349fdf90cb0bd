"""A batching policy: when waiting queries become a batch, and to what it is padded.

``static`` waits until a batch is full, however long that takes; ``dynamic`` sends a batch off when
it is full or when its oldest query has waited ``max_wait_ms``, whichever is first. A policy is
written as text, in a plan or on the command line, and reads back the same::

    static:batch=8
    dynamic:max_batch=8,max_wait_ms=2
    dynamic:max_batch=8,max_wait_ms=2,buckets=32/64/128,sizes=1/4/8
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from wattmark.errors import InputError
from wattmark.records.base import Record, problems_text

POLICY_FORM = (
    "static:batch=N[,buckets=A/B/...] or "
    "dynamic:max_batch=N,max_wait_ms=T[,buckets=A/B/...][,sizes=A/B/.../N]"
)
_KEYS = {
    "static": ("batch", "buckets"),
    "dynamic": ("max_batch", "max_wait_ms", "buckets", "sizes"),
}
_NEEDED = {"static": ("batch",), "dynamic": ("max_batch", "max_wait_ms")}
#: The same limit as a setup's batch.
LARGEST_BATCH = 4096
#: An hour: who waits longer has written microseconds.
LONGEST_WAIT_MS = 3_600_000.0


class BatchingPolicy(Record):
    """When waiting queries become a batch.

    ``buckets`` are ascending lengths (tokens, samples): a query belongs to the smallest that holds
    it, is padded to it, and only queries of one bucket share a batch. ``sizes`` are ascending batch
    sizes, the last one ``max_batch``, for programs of fixed shape: a batch is padded to the
    smallest that holds it; without them any size runs as it is. A static batch always runs whole.
    """

    kind: Literal["static", "dynamic"]
    max_batch: Annotated[int, Field(ge=1, le=LARGEST_BATCH, description="queries in a batch")]
    max_wait_ms: Annotated[
        float | None,
        Field(ge=0, le=LONGEST_WAIT_MS, description="of the oldest query; none for static"),
    ] = None
    buckets: Annotated[tuple[int, ...], Field(description="padding lengths, ascending")] = ()
    sizes: Annotated[tuple[int, ...], Field(description="padded batch sizes, ascending")] = ()

    @field_validator("buckets", "sizes")
    @classmethod
    def _ascending(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if any(step < 1 for step in steps) or any(a >= b for a, b in pairwise(steps)):
            raise ValueError(f"{_steps(steps)} does not go up from 1 or more, each once")
        return steps

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind == "static" and (self.max_wait_ms is not None or self.sizes):
            raise ValueError("a static batch waits until it is full: no max_wait_ms, no sizes")
        if self.kind == "dynamic" and self.max_wait_ms is None:
            raise ValueError("a dynamic batch needs max_wait_ms")
        if self.sizes and self.sizes[-1] != self.max_batch:
            raise ValueError(
                f"the largest of sizes={_steps(self.sizes)} must be max_batch={self.max_batch}"
            )
        return self

    @property
    def max_wait_ns(self) -> int | None:
        """Longest wait of a query for company, in ns; None where it waits for a full batch."""
        return None if self.max_wait_ms is None else round(self.max_wait_ms * 1e6)

    def for_shapes(self, shapes: int) -> BatchingPolicy:
        """The same for programs of fixed shapes: buckets 1 to ``shapes``, batches padded full."""
        sizes = () if self.kind == "static" else (self.max_batch,)
        buckets = tuple(range(1, shapes + 1))
        return self.model_copy(update={"buckets": buckets, "sizes": sizes})

    def bucket_of(self, length: int) -> int:
        """The smallest bucket that holds ``length``; 0 where the policy has no buckets.

        Raises InputError for a query that is longer than the largest bucket.
        """
        if not self.buckets:
            return 0
        for bucket in self.buckets:
            if length <= bucket:
                return bucket
        raise InputError(
            f"a query of length {length} fits no bucket of {self}: "
            f"add a bucket of at least {length}, or shorten the query"
        )

    def padded_size(self, size: int) -> int:
        """Rows that are computed for a batch of ``size`` queries."""
        if self.kind == "static":
            return self.max_batch
        return next((step for step in self.sizes if step >= size), size)

    def __str__(self) -> str:
        if self.kind == "static":
            parts = [f"batch={self.max_batch}"]
        else:
            parts = [f"max_batch={self.max_batch}", f"max_wait_ms={_number(self.max_wait_ms or 0)}"]
        parts += [f"buckets={_steps(self.buckets)}"] if self.buckets else []
        parts += [f"sizes={_steps(self.sizes)}"] if self.sizes else []
        return f"{self.kind}:{','.join(parts)}"


def parse_policy(text: str) -> BatchingPolicy:
    """The policy that ``text`` describes (see POLICY_FORM). Raises InputError for anything else."""
    kind, colon, rest = text.strip().partition(":")
    if kind not in _KEYS or not colon:
        raise InputError(f"batching policy {text!r} is not of the form {POLICY_FORM}")
    given: dict[str, str] = {}
    for part in rest.split(","):
        key, equals, word = (piece.strip() for piece in part.partition("="))
        if not equals or key not in _KEYS[kind]:
            raise InputError(
                f"{part!r} in batching policy {text!r} is not understood: "
                f"a {kind} policy has {', '.join(_KEYS[kind])}"
            )
        if key in given:
            raise InputError(f"batching policy {text!r} gives {key} twice")
        given[key] = word
    if missing := [key for key in _NEEDED[kind] if key not in given]:
        raise InputError(f"batching policy {text!r} lacks {' and '.join(missing)}")
    try:
        return BatchingPolicy(
            kind="static" if kind == "static" else "dynamic",
            max_batch=_whole(given[_NEEDED[kind][0]]),
            max_wait_ms=float(given["max_wait_ms"]) if "max_wait_ms" in given else None,
            buckets=_parse_steps(given.get("buckets")),
            sizes=_parse_steps(given.get("sizes")),
        )
    except ValidationError as error:
        raise InputError(f"batching policy {text!r}: {problems_text(error)}") from None
    except ValueError as error:
        raise InputError(f"batching policy {text!r}: {error}") from None


def _whole(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 9):
        raise ValueError(f"{word!r} is not a whole number of at most nine digits")
    return int(word)


def _parse_steps(word: str | None) -> tuple[int, ...]:
    return () if word is None else tuple(_whole(step) for step in word.split("/"))


def _steps(steps: tuple[int, ...]) -> str:
    return "/".join(map(str, steps))


def _number(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)
