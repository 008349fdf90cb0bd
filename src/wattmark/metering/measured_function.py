"""Measure every call of a function: the decorator beside :mod:`wattmark.metering.window`."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast, overload

from wattmark.errors import InputError
from wattmark.metering.window import Window

P = ParamSpec("P")
Q = ParamSpec("Q")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")

#: Windows that a measured function keeps.
KEPT_WINDOWS = 1000


class MeasuredFunction(Protocol[P, R_co]):
    """A function whose calls are measured: ``windows`` holds those of its last calls."""

    windows: deque[Window]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function within a window."""
        ...

    @overload
    def __get__(self, instance: None, owner: type) -> MeasuredFunction[P, R_co]: ...
    @overload
    def __get__(
        self: MeasuredFunction[Concatenate[T, Q], R_co], instance: T, owner: type
    ) -> MeasuredFunction[Q, R_co]: ...


@overload
def measured(function: Callable[P, R_co], /) -> MeasuredFunction[P, R_co]: ...
@overload
def measured(
    *,
    name: str | None = None,
    meters: Sequence[str] = (),
    idle: bool | None = None,
    whole_node: bool = False,
) -> Callable[[Callable[P, R_co]], MeasuredFunction[P, R_co]]: ...


def measured(
    function: Callable[P, R_co] | None = None,
    /,
    *,
    name: str | None = None,
    meters: Sequence[str] = (),
    idle: bool | None = None,
    whole_node: bool = False,
) -> MeasuredFunction[P, R_co] | Callable[[Callable[P, R_co]], MeasuredFunction[P, R_co]]:
    """Measure every call of a function: ``@measured`` or ``@measured(name=..., meters=...)``.

    The function gets ``windows``, with the last thousand calls' windows, oldest first; a call
    that raises leaves one too. ``name`` is the function's own if left out; ``meters``, ``idle``
    and ``whole_node`` are as in :func:`measure`. Raises InputError for an async or generator
    function, whose call ends before its work does.
    """

    def decorate(wrapped: Callable[P, R_co]) -> MeasuredFunction[P, R_co]:
        own: str = getattr(wrapped, "__qualname__", "a function")
        title = name or own
        kinds = (
            inspect.iscoroutinefunction,
            inspect.isgeneratorfunction,
            inspect.isasyncgenfunction,
        )
        if any(is_kind(wrapped) for is_kind in kinds):
            raise InputError(
                f"{title} is async or a generator, so a call returns before its work is done: "
                "use `with wattmark.measure(...)` around the work"
            )
        windows: deque[Window] = deque(maxlen=KEPT_WINDOWS)

        @wraps(wrapped)
        def call(*args: P.args, **kwargs: P.kwargs) -> R_co:
            window = Window(title, meters, idle=idle, whole_node=whole_node)
            try:
                with window:
                    return wrapped(*args, **kwargs)
            finally:
                if window._seconds is not None:
                    windows.append(window)

        found = cast("MeasuredFunction[P, R_co]", call)
        found.windows = windows
        return found

    return decorate if function is None else decorate(function)
