"""Server-sent events from bytes that arrive in any pieces.

The grammar is section 9.2.6 of the HTML standard ("Interpreting an event stream"): lines end with
LF, CRLF or CR, a line that starts with ``:`` is a comment, the ``data`` lines of an event are
joined by LF, and an empty line ends it. Four things that servers do are understood as well, as
clients in use do: events that no empty line parts, a last event that nothing ends, a field
``error``, and a JSON object on a line without a field's name.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from wattmark.endpoints.outcomes import MalformedReplyError

#: An event longer than this is taken for a broken stream: 4 MiB, far above any token's.
LONGEST_EVENT_BYTES = 4 * 1024 * 1024


class StreamedEvent(NamedTuple):
    """The ``data`` of an event, and whether the event is called an error."""

    data: bytes
    error: bool = False


class EventStream:
    """Takes chunks, gives every event that they complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._error = False
        self._held_bytes = 0
        self._first = True
        self._after_cr = False
        self._events: list[StreamedEvent] = []

    def feed(self, chunk: bytes) -> list[StreamedEvent]:
        """The events that end in this chunk, in order.

        Raises MalformedReplyError where an event grows beyond LONGEST_EVENT_BYTES.
        """
        held = self._first or self._rest or self._data or self._error or self._after_cr
        if not held and _is_one_event(chunk):  # as that of a token mostly is
            return [StreamedEvent(chunk[6:-2])]
        text = self._rest + chunk if self._rest else chunk
        if self._first:
            if len(text) < 3 and b"\xef\xbb\xbf".startswith(text):
                self._rest = text
                return []
            self._first = False
            text = text.removeprefix(b"\xef\xbb\xbf")
        if not text:
            return []
        if self._after_cr and not self._rest:  # that CR has ended its line already
            text = text.removeprefix(b"\n")
        self._after_cr = text.endswith(b"\r") if text else False
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, self._rest = text.split(b"\n")
        for line in lines:
            self._line(line)
        if self._data and not self._rest and _is_json(self._data):
            self._dispatch()  # the event is whole, though its empty line has yet to come
        if self._held_bytes + len(self._rest) > LONGEST_EVENT_BYTES:
            raise MalformedReplyError(
                f"an event of the stream is longer than {LONGEST_EVENT_BYTES} bytes"
            )
        return self._taken()

    def end(self) -> list[StreamedEvent]:
        """The stream is over: the last event, where nothing ended it."""
        if self._rest:
            rest, self._rest = self._rest, b""
            self._line(rest)
        self._dispatch()
        return self._taken()

    def _taken(self) -> list[StreamedEvent]:
        events, self._events = self._events, []
        return events

    def _line(self, line: bytes) -> None:
        if not line:
            self._dispatch()
            self._error = False
        elif line.startswith(b"data:"):
            self._hold(line[6:] if line[5:6] == b" " else line[5:])
        elif line.startswith(b"event:"):
            self._error = line[6:].strip().lower() in (b"error", b"exception")
        elif line.startswith(b"{"):
            self._hold(line)
        elif line.startswith(b"error:"):
            self._dispatch()
            self._error = True
            self._hold(line[6:].strip())
        elif line == b"data":
            self._hold(b"")

    def _hold(self, data: bytes) -> None:
        # no JSON text has a brace that closes before one that opens, so these are two events
        starts = data.startswith(b"{") or data.startswith(b"[DONE]")
        if starts and self._data and self._data[-1].rstrip().endswith(b"}"):
            self._dispatch()
        self._data.append(data)
        self._held_bytes += len(data)

    def _dispatch(self) -> None:
        if self._data:
            self._events.append(StreamedEvent(b"\n".join(self._data), self._error))
            self._data = []
            self._held_bytes = 0


def _is_one_event(chunk: bytes) -> bool:
    """Whether it is a single line of data and the empty line that ends its event."""
    ends = chunk.endswith(b"\n\n") and chunk.find(b"\n") == len(chunk) - 2
    return ends and chunk.startswith(b"data: ") and b"\r" not in chunk


def _is_json(lines: list[bytes]) -> bool:
    if not (lines[0].startswith(b"{") and lines[-1].endswith(b"}")):
        return False
    try:
        json.loads(b"\n".join(lines))
    except ValueError:
        return False
    return True
