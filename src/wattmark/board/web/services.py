"""What the routes of a board share."""

from __future__ import annotations

from dataclasses import dataclass, field

from wattmark.board.people.tokens import Tokens
from wattmark.board.shelf.catalogue import Combinations
from wattmark.board.shelf.database import Database
from wattmark.board.web.compressed_pages import Page
from wattmark.board.web.rate_limit import RateLimit
from wattmark.board.web.version_cache import VersionCache

_MOST_PAGE_BYTES = 64 * 2**20
#: Each takes some 50 bytes; a task of 9 000 results has about 700.
_MOST_COMBINATIONS = 500_000


@dataclass(frozen=True)
class Services:
    """``address`` is where people reach the board, such as ``https://board.example``."""

    database: Database
    address: str
    tokens: Tokens = field(default_factory=Tokens)
    pages: VersionCache[Page] = field(
        default_factory=lambda: VersionCache(_MOST_PAGE_BYTES, lambda page: page.size)
    )
    combinations: VersionCache[Combinations] = field(
        default_factory=lambda: VersionCache(_MOST_COMBINATIONS, lambda found: 1 + len(found))
    )
    submissions: RateLimit = field(default_factory=lambda: RateLimit(rate_per_s=1.0, burst=60))
    failures: RateLimit = field(default_factory=lambda: RateLimit(rate_per_s=0.2, burst=20))
    logins: RateLimit = field(default_factory=lambda: RateLimit(rate_per_s=0.1, burst=10))

    @property
    def secure(self) -> bool:
        """Whether people reach it by HTTPS, so that cookies are for HTTPS only."""
        return self.address.startswith("https://")
