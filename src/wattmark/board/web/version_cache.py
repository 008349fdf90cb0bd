"""What was made of one version of the board, kept for as long as the board does not change."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class VersionCache(Generic[T]):
    """Values by their keys, of one version; thread-safe.

    Their sizes sum up to ``most`` at the most; the least used go first. Who asks for a value that
    is being made waits for it: after a change, many ask for the same page at once.
    """

    def __init__(self, most: int, size: Callable[[T], int]) -> None:
        self._most, self._size_of = most, size
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._making: dict[tuple[int, Hashable], Future[T]] = {}
        self._version = -1
        self._size = 0
        self._lock = threading.Lock()

    def get(self, version: int, key: Hashable, make: Callable[[], T]) -> T:
        """The value of that key, made where it is not there."""
        with self._lock:
            if version > self._version:
                self._values.clear()
                self._version, self._size = version, 0
            if version == self._version and (found := self._values.get(key)) is not None:
                self._values.move_to_end(key)
                return found
            promise = self._making.get((version, key))
            if promise is None:
                mine = self._making[version, key] = Future()
        return self._make(version, key, make, mine) if promise is None else promise.result()

    def _make(self, version: int, key: Hashable, make: Callable[[], T], promise: Future[T]) -> T:
        try:
            value = make()
        except BaseException as error:
            with self._lock:
                del self._making[version, key]
            promise.set_exception(error)
            raise
        with self._lock:
            del self._making[version, key]
            if version == self._version:
                self._keep(key, value)
        promise.set_result(value)
        return value

    def _keep(self, key: Hashable, value: T) -> None:
        self._values[key] = value
        self._size += self._size_of(value)
        while self._size > self._most:
            self._size -= self._size_of(self._values.popitem(last=False)[1])
