"""The command line in this process: what a user types, what is said, and the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from wattmark.cli import main


class Answer(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def wattmark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """The entry point of the command; no answer of it is a traceback."""

    def ask(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["wattmark", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        assert isinstance(ended.value.code, int)
        return Answer(ended.value.code, said.out, said.err)

    return ask
