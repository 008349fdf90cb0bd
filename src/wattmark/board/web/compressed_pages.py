"""A rendered page as it is sent: with its compressed form, and what a browser knows it by."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass

#: Level 6 takes half the time of 9 and gives pages about 1 % larger.
_LEVEL = 6


@dataclass(frozen=True)
class Page:
    """A page with its compressed form and its entity tag."""

    body: bytes
    compressed: bytes
    etag: str

    @classmethod
    def of(cls, text: str) -> Page:
        """Compress a page."""
        body = text.encode()
        digest = hashlib.sha256(body).hexdigest()[:32]
        return cls(body, gzip.compress(body, _LEVEL, mtime=0), f'"{digest}"')

    @property
    def size(self) -> int:
        """Bytes that it takes in memory."""
        return len(self.body) + len(self.compressed)
