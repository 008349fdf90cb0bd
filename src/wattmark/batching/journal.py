"""What a batcher records: when each query arrived, ran and was done, and what each batch was."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class BatchingRecord:
    """Per query (in the order of submission) and per batch (in the order of starts) arrays.

    Times are ns on the batcher's clock. ``batch`` is the number of a query's batch, an index into
    the arrays of the batches. Queries that were cancelled or turned away are counted, and in no
    array; those of a failed batch are in all.
    """

    number: Integers
    arrival_ns: Integers
    batch: Integers
    batch_start_ns: Integers
    batch_end_ns: Integers
    batch_size: Integers
    batch_padded_size: Integers
    batch_bucket: Integers
    batch_failed: NDArray[np.bool_]
    cancelled: int = 0
    rejected: int = 0

    @property
    def start_ns(self) -> Integers:
        """When each query's batch started, ns."""
        return self.batch_start_ns[self.batch]

    @property
    def completion_ns(self) -> Integers:
        """When each query was done (its batch was), ns."""
        return self.batch_end_ns[self.batch]

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Whether each query's batch failed."""
        return self.batch_failed[self.batch]


class Journal:
    """Grows with each batch: 24 bytes a query, 48 a batch. Its owner holds a lock."""

    def __init__(self) -> None:
        self.cancelled = 0
        self.rejected = 0
        self._queries = array("q")  # number, arrival_ns, batch
        self._batches = array("q")  # start_ns, end_ns, size, padded_size, bucket, failed

    def add(
        self,
        batch: int,
        queries: Sequence[tuple[int, int]],
        start_ns: int,
        end_ns: int,
        padded_size: int,
        bucket: int,
        failed: bool,
    ) -> None:
        """One batch that was run; ``queries`` are (number, arrival_ns)."""
        for number, arrival_ns in queries:
            self._queries.extend((number, arrival_ns, batch))
        self._batches.extend((start_ns, end_ns, len(queries), padded_size, bucket, int(failed)))

    def record(self) -> BatchingRecord:
        """A copy of what there is so far."""
        queries = np.array(self._queries, dtype=np.int64).reshape(-1, 3)
        queries = queries[np.argsort(queries[:, 0], kind="stable")]
        batches = np.array(self._batches, dtype=np.int64).reshape(-1, 6)
        number, arrival_ns, batch = (np.ascontiguousarray(column) for column in queries.T)
        columns = [np.ascontiguousarray(column) for column in batches.T]
        start_ns, end_ns, size, padded_size, bucket, failed = columns
        return BatchingRecord(
            number=number,
            arrival_ns=arrival_ns,
            batch=batch,
            batch_start_ns=start_ns,
            batch_end_ns=end_ns,
            batch_size=size,
            batch_padded_size=padded_size,
            batch_bucket=bucket,
            batch_failed=failed.astype(np.bool_),
            cancelled=self.cancelled,
            rejected=self.rejected,
        )
