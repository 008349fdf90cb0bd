"""What was made of the board is kept until the board changes, and made once."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest

from wattmark.board.web.version_cache import VersionCache


class Maker:
    """Counts how often it was asked."""

    def __init__(self, value: str = "made") -> None:
        self.value, self.times = value, 0

    def __call__(self) -> str:
        self.times += 1
        return self.value


def test_a_value_is_made_once_for_a_version() -> None:
    cache, make = VersionCache[str](100, len), Maker()
    assert [cache.get(1, "a", make) for _ in range(3)] == ["made"] * 3
    assert make.times == 1
    cache.get(2, "a", make)
    assert make.times == 2


def test_who_reads_an_older_version_gets_a_value_of_that_version() -> None:
    cache = VersionCache[str](100, len)
    assert cache.get(2, "a", lambda: "new") == "new"
    assert cache.get(1, "a", lambda: "old") == "old"
    assert cache.get(2, "a", lambda: "never made") == "new"


def test_the_least_used_go_where_there_is_too_much() -> None:
    cache = VersionCache[str](2, len)
    makers = {key: Maker("x") for key in "abc"}
    for key in "ababc":  # b was used after a
        cache.get(1, key, makers[key])
    for key in "cba":
        cache.get(1, key, makers[key])
    assert {key: make.times for key, make in makers.items()} == {"a": 2, "b": 1, "c": 1}


def test_who_asks_for_a_value_that_is_being_made_waits_for_it() -> None:
    cache, make, all_there = VersionCache[str](100, len), Maker(), Barrier(4)

    def slowly() -> str:
        all_there.wait(timeout=10)
        return make()

    def ask() -> None:
        all_there.wait(timeout=10)
        found.append(cache.get(1, "a", Maker("made by another")))

    found: list[str] = []
    others = [Thread(target=ask) for _ in range(3)]
    for thread in others:
        thread.start()
    assert cache.get(1, "a", slowly) == "made"
    for thread in others:
        thread.join()
    assert found == ["made"] * 3


def test_what_could_not_be_made_is_tried_anew() -> None:
    cache = VersionCache[str](100, len)

    def fail() -> str:
        raise RuntimeError("no luck")

    with pytest.raises(RuntimeError, match="no luck"):
        cache.get(1, "a", fail)
    assert cache.get(1, "a", Maker()) == "made"
