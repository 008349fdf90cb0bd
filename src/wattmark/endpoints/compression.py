"""Bodies that a server compressed although nobody asked for it."""

from __future__ import annotations

import zlib

from wattmark.endpoints.outcomes import MalformedReplyError

_EITHER_HEADER = 32 + zlib.MAX_WBITS  # of gzip or of zlib, told by its first bytes (zlib.h)


class Unpacking:
    """Gives the plain bytes of a body by its Content-Encoding; raises MalformedReplyError."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise MalformedReplyError(
                f"the server compressed its reply by {encoding!r}, which was not asked for: turn "
                f"compression off in the server, or in the proxy before it"
            )
        self._unpack = zlib.decompressobj(_EITHER_HEADER)

    def feed(self, packed: bytes) -> bytes:
        """The plain bytes that these bytes complete."""
        try:
            return self._unpack.decompress(packed)
        except zlib.error as error:
            raise MalformedReplyError(f"the reply cannot be unpacked: {error}") from error
