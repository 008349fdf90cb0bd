"""Hashes of tokens and passwords: slow and memory-hard, so that a stolen table is of little use.

The parameters are those that OWASP's Password Storage Cheat Sheet asks of Argon2id: 19 MiB, two
passes, one lane (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html).
"""

from __future__ import annotations

import secrets
from functools import cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from wattmark.errors import MissingPackageError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_PASSES, _MEMORY_KIB, _LANES = 2, 19456, 1
#: Each takes 19 MiB while it is made: a flood of logins waits here, and not for memory.
_AT_A_TIME = BoundedSemaphore(8)


def hashed(secret: str) -> str:
    """The hash of a secret with a salt of its own, in the encoded form that names its parameters.

    Raises MissingPackageError.
    """
    with _AT_A_TIME:
        return _hasher().hash(secret)


def matches(stored: str | None, secret: str) -> bool:
    """Whether this is the secret that was hashed.

    ``stored`` is None where there is no such token or maintainer: the answer is no, and takes the
    same work, so that time tells nobody which exist. Raises MissingPackageError.
    """
    hasher = _hasher()
    from argon2.exceptions import InvalidHashError, VerificationError

    against = _nobodys() if stored is None else stored
    try:
        with _AT_A_TIME:
            hasher.verify(against, secret)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@cache
def _hasher() -> PasswordHasher:
    try:
        from argon2 import PasswordHasher
    except ImportError:
        raise MissingPackageError(
            "argon2-cffi is not installed, and tokens and passwords are hashed with it: "
            "pip install 'wattmark[board]'"
        ) from None
    return PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)


@cache
def _nobodys() -> str:
    return hashed(secrets.token_urlsafe(32))
