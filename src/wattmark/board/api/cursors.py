"""Cursors: where a list goes on, as text that only the board reads."""

from __future__ import annotations

import binascii
import math
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode

from wattmark.board.shelf.catalogue import Order
from wattmark.errors import RefusedError

#: 17 bytes: the order, the place in it, the result's number.
_FORMAT = struct.Struct(">Bdq")
LENGTH = 23
PATTERN = r"^[A-Za-z0-9_-]{23}$"
_ORDERS = list(Order)


def written(order: Order, place: tuple[float, int]) -> str:
    """The cursor behind a place."""
    packed = _FORMAT.pack(_ORDERS.index(order), *place)
    return urlsafe_b64encode(packed).decode().rstrip("=")


def read(order: Order, cursor: str) -> tuple[float, int]:
    """The place that a cursor stands for. Raises RefusedError 422 ``bad_cursor``."""
    try:
        number, place, id_ = _FORMAT.unpack(urlsafe_b64decode(cursor + "="))
    except (struct.error, binascii.Error, ValueError):
        number, place, id_ = -1, math.nan, -1
    if not (number == _ORDERS.index(order) and math.isfinite(place) and id_ >= 0):
        raise RefusedError(
            422,
            "bad_cursor",
            "cursor: send `next` of the page before, with the same `order`; or leave it out",
        )
    return place, id_
