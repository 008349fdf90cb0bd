"""Ctrl-C ends a run, also where the interpreter dropped the exception."""

from __future__ import annotations

import signal
from contextlib import suppress

import pytest

from wattmark.protocol.events import Event, Stage
from wattmark.protocol.interruption import interruptible

EVENT = Event(Stage.MEASURE, 0, 1)


@pytest.fixture
def default_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("default_handler")
def test_a_lost_interrupt_is_raised_at_the_next_event() -> None:
    seen: list[Event] = []
    with interruptible(seen.append) as observe:
        observe(EVENT)
        with suppress(KeyboardInterrupt):  # as the interpreter does in a destructor
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            observe(EVENT)
    assert seen == [EVENT]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("default_handler")
def test_somebody_elses_handler_stays() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    seen: list[Event] = []
    with interruptible(seen.append) as observe:
        signal.raise_signal(signal.SIGINT)
        observe(EVENT)
    assert seen == [EVENT]
