"""What CUDA_VISIBLE_DEVICES shows to a program."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wattmark.machine.cuda_visible import visible_cards
from wattmark.machine.gpus import Card

CARDS = tuple(Card(f"gpu:{n}", f"GPU-{n}abc-{n}", "NVIDIA L4") for n in range(4))
ALIKE = (*CARDS, Card("gpu:4", "GPU-0abd-9", "NVIDIA L4"))
SLICED = (
    CARDS[0],
    replace(CARDS[1], slices=("MIG-aaaa-1", "MIG-bbbb-2")),
    replace(CARDS[2], slices=("MIG-cccc-3",)),
)


def seen(asked: str | None, cards: tuple[Card, ...] = CARDS) -> list[int]:
    variables = {} if asked is None else {"CUDA_VISIBLE_DEVICES": asked}
    return [int(card.domain[4:]) for card in visible_cards(cards, variables).cards]


@pytest.mark.parametrize(
    ("asked", "cards"),
    [
        (None, [0, 1, 2, 3]),
        ("", []),
        ("-1", []),
        ("2", [2]),
        ("3,1", [3, 1]),
        (" 3 , 1 ", [3, 1]),
        ("1,9,2", [1]),  # an index that there is not ends the list
        ("1,-1,2", [1]),
        ("1,,2", [1]),
        ("2,two,1", [2]),
        ("1gpu,2nd", [1, 2]),  # read as C's strtol does
        ("1,1", []),  # a card twice: none at all
        ("none", []),
        ("GPU-2abc-2", [2]),
        ("GPU-3,GPU-1", [3, 1]),  # a beginning that fits one card is enough
        ("GPU-1,GPU-nowhere,GPU-2", [1]),
        ("GPU-1,2", [1]),  # the first entry says what is listed
        ("1,GPU-2", [1]),
        ("GPU-1,GPU-1abc", []),
        ("gpu-1", []),
    ],
)
def test_the_cards_that_a_program_sees(asked: str | None, cards: list[int]) -> None:
    assert seen(asked) == cards


def test_a_beginning_that_fits_two_cards_fits_none() -> None:
    assert seen("GPU-1,GPU-0ab,GPU-2", ALIKE) == [1]
    assert seen("GPU-0abd", ALIKE) == [4]


@pytest.mark.parametrize(
    ("asked", "cards"),
    [
        ("MIG-bbbb-2", [1]),
        ("MIG-cccc", [2]),
        ("MIG-GPU-1abc-1/3/0", [1]),  # as drivers before R470 write it
        ("GPU-1", [1]),
        ("0,2,1", [2]),  # the first that is divided, and no whole one beside it
        (None, [1]),
    ],
)
def test_a_slice_belongs_to_its_card(asked: str | None, cards: list[int]) -> None:
    assert seen(asked, SLICED) == cards


def test_a_slice_that_no_card_is_known_to_hold_is_said() -> None:
    found = visible_cards(CARDS, {"CUDA_VISIBLE_DEVICES": "MIG-99"})
    assert (found.cards, found.slice_of_unknown) == ((), "MIG-99")


def test_indices_of_unlike_cards_count_in_an_order_that_only_cuda_knows() -> None:
    unlike = (CARDS[0], replace(CARDS[1], name="NVIDIA L40"))
    asked = {"CUDA_VISIBLE_DEVICES": "1"}
    assert visible_cards(unlike, asked).guessed
    assert not visible_cards(CARDS, asked).guessed
    assert not visible_cards(unlike, asked | {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}).guessed
    assert visible_cards(unlike, asked | {"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}).guessed
    assert not visible_cards(unlike, {"CUDA_VISIBLE_DEVICES": "GPU-1"}).guessed
    assert not visible_cards(unlike, {}).guessed
