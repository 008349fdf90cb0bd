"""Codes for machines that carry a sentence for people."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class SentenceCode(StrEnum):
    """A member is written ``NAME = "code", "Sentence."``; it equals its code."""

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        """A member that equals its code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member
