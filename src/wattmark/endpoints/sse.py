"""Server-sent events from bytes that arrive in any pieces.

The grammar is section 9.2.6 of the HTML standard ("Interpreting an event stream"): lines end with
LF, CRLF or CR, a line that starts with ``:`` is a comment, the ``data`` lines of an event are
joined by LF, and an empty line ends it.
"""

from __future__ import annotations

from wattmark.endpoints.outcomes import MalformedReplyError

#: An event longer than this is taken for a broken stream: 4 MiB, far above any token's.
LONGEST_EVENT_BYTES = 4 * 1024 * 1024


class EventStream:
    """Takes chunks, gives the ``data`` of every event that they complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._held_bytes = 0
        self._first = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of the events that end in this chunk, in order.

        Raises MalformedReplyError where an event grows beyond LONGEST_EVENT_BYTES.
        """
        text = self._rest + chunk if self._rest else chunk
        if self._first:
            if len(text) < 3 and b"\xef\xbb\xbf".startswith(text):
                self._rest = text
                return []
            self._first = False
            text = text.removeprefix(b"\xef\xbb\xbf")
        held_back = b""
        if text.endswith(b"\r"):  # an LF may follow in the next chunk
            text, held_back = text[:-1], b"\r"
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = text.split(b"\n")
        self._rest = rest + held_back
        events: list[bytes] = []
        for line in lines:
            if not line:
                if self._data:
                    events.append(b"\n".join(self._data))
                    self._data = []
                    self._held_bytes = 0
            elif line.startswith(b"data:"):
                self._hold(line[6:] if line[5:6] == b" " else line[5:])
            elif line == b"data":
                self._hold(b"")
        if self._held_bytes + len(self._rest) > LONGEST_EVENT_BYTES:
            raise MalformedReplyError(
                f"an event of the stream is longer than {LONGEST_EVENT_BYTES} bytes"
            )
        return events

    def _hold(self, data: bytes) -> None:
        self._data.append(data)
        self._held_bytes += len(data)
