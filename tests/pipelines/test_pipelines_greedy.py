from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

from tiny_generators import CONTEXT, SIZES, WORDS, decoder, encoder_decoder, runners

from wattmark.errors import UnsupportedSetupError
from wattmark.pipelines.greedy import Greedy, answer_tokens, padded_prompt, tokens_option

SIGNAL = np.random.default_rng(0).normal(size=(1, 5, 3)).astype(np.float32)


def prompt(*ids: int, pad: int = 0):
    return padded_prompt(ids, (4, 8), pad)


def generate(inputs, *networks, mark=lambda phase, units: None, batch=1, **settings):
    return Greedy(SIZES, limit=12, **settings)(runners(*networks, batch=batch), inputs, mark)


def without_cache(ids: list[int], tokens: int, *networks) -> list[int]:
    """Greedy tokens by computing the whole sequence anew for each."""
    for _ in range(tokens):
        loaded = runners(*networks)
        state = loaded["decode"].start({"length": len(ids)})
        if "encode" in loaded:
            state |= loaded["encode"].step({"signal": SIGNAL}, {})[1]
        inputs = {
            "input_ids": np.array([ids]),
            "start": np.array([0]),
            "last": np.array([len(ids) - 1]),
        }
        ids = [*ids, int(loaded["decode"].step(inputs, state)[0].argmax())]
    return ids[-tokens:]


@pytest.mark.parametrize("ids", [(3,), (3, 1, 4), (3, 1, 4, 1), (3, 1, 4, 1, 5, 9)])
def test_cached_tokens_are_those_of_the_whole_sequence_computed_anew(ids):
    expected = without_cache(list(ids), 12, decoder())
    assert len(set(expected)) > 1
    assert generate(prompt(*ids), decoder(), tokens=12).tolist() == [expected]


def test_encoder_is_run_once_and_decides_what_is_said():
    networks = encoder_decoder()
    inputs = {"signal": SIGNAL, **prompt(2, 7)}
    marks = []
    tokens = generate(
        inputs,
        *networks,
        tokens=8,
        encode=("image", 1),
        mark=lambda phase, units: marks.append((phase, units)),
    )
    assert tokens.tolist() == [without_cache([2, 7], 8, *networks)]
    assert tokens.tolist() != [without_cache([2, 7], 8, decoder())]
    assert marks == [("encode", 1), ("prefill", 2), *[("decode", 1)] * 7]


def test_padding_does_not_change_the_answer():
    answers = [
        generate(padded_prompt((3, 1, 4), lengths, pad), decoder(), tokens=12).tolist()
        for lengths, pad in [((4,), 0), ((4,), 39), ((8,), 17)]
    ]
    assert answers[0] == answers[1] == answers[2]


def test_rows_of_a_batch_are_answered_as_if_alone():
    prompts = [prompt(3, 1, 4, 1, 5), prompt(2, 7, 1, 8, 2, 8, 1)]
    alone = [generate(p, decoder(), tokens=9) for p in prompts]
    both = {name: np.concatenate([p[name] for p in prompts]) for name in prompts[0]}
    units = {"prefill": 0, "decode": 0}

    def mark(phase, count):
        units[phase] += count

    together = generate(both, decoder(), batch=2, tokens=9, mark=mark)
    assert np.array_equal(together, np.concatenate(alone))
    assert units == {"prefill": 5 + 7, "decode": 2 * 8}


def test_free_length_stops_each_row_at_its_end_token():
    long, short = prompt(3, 1, 4, 1, 5), prompt(2, 7, 1, 8, 2)
    row = generate(short, decoder(), tokens=12)[0].tolist()
    end = next(t for t in row[2:] if t not in generate(long, decoder(), tokens=5)[0])
    stop = row.index(end) + 1
    alone = generate(short, decoder(), tokens=None, end=[end])
    assert alone.tolist() == [row[:stop]]
    both = {name: np.concatenate([long[name], short[name]]) for name in long}
    units = []
    together = generate(
        both, decoder(), batch=2, tokens=None, end=[end], mark=lambda _, n: units.append(n)
    )
    assert together[1].tolist() == row[:stop] + [-1] * (together.shape[1] - stop)
    assert sum(units[1:]) == (together >= 0).sum() - 2
    assert answer_tokens(together[1], [end]) == row[: stop - 1]


def test_pinned_length_forbids_end_tokens():
    free = generate(prompt(3, 1), decoder(), tokens=12)[0].tolist()
    ends = free[3:6]
    pinned = generate(prompt(3, 1), decoder(), tokens=12, end=ends)[0].tolist()
    assert len(pinned) == 12
    assert not set(pinned) & set(ends)
    first = min(free.index(token) for token in ends)
    assert pinned[:first] == free[:first]
    assert pinned[first] != free[first]


def test_banned_tokens_give_way_to_the_next_best():
    free = generate(prompt(3, 1), decoder(), tokens=12)[0].tolist()
    first = generate(prompt(3, 1), decoder(), tokens=12, banned_first=[free[0]])[0].tolist()
    never = generate(prompt(3, 1), decoder(), tokens=12, banned=free)[0].tolist()
    assert first[0] != free[0]
    assert not set(never) & set(free)


def test_prompt_is_read_in_one_call_and_tokens_in_calls_of_one():
    loaded = runners(decoder())
    Greedy(SIZES, tokens=3, limit=3)(loaded, prompt(1, 2, 3, 4, 5), lambda phase, units: None)
    assert loaded["decode"].lengths == [8, 1, 1]


def test_probe_is_the_prompts_own_continuation():
    ids = [3, 1, 4, 1, 5]
    loaded = runners(decoder())
    probe = Greedy(SIZES, tokens=3, limit=3).probe(loaded, prompt(*ids))
    assert probe.shape == (1, 3, WORDS)
    expected = [without_cache(ids[:n], 1, decoder())[0] for n in (3, 4, 5)]
    assert probe[0].argmax(-1).tolist() == expected


def test_probe_sees_a_cache_that_is_not_written():
    class Forgetful(type(runners(decoder())["decode"])):
        def step(self, inputs, state):
            return super().step(inputs, state)[0], state

    greedy = Greedy(SIZES, tokens=3, limit=3)
    right = greedy.probe(runners(decoder()), prompt(3, 1, 4, 1, 5))
    wrong = greedy.probe({"decode": Forgetful(decoder())}, prompt(3, 1, 4, 1, 5))
    assert np.array_equal(right[:, 0], wrong[:, 0])
    assert not np.allclose(right[:, 1], wrong[:, 1], atol=1e-2)
    assert not np.allclose(right[:, 2], wrong[:, 2], atol=1e-2)


@pytest.mark.parametrize("ids", [(3,), (3, 1)])
def test_probe_of_a_short_prompt_has_the_same_shape(ids):
    probe = Greedy(SIZES, tokens=3, limit=3).probe(runners(decoder()), prompt(*ids))
    assert probe.shape == (1, 3, WORDS)
    assert probe[0, 0].argmax() == without_cache([3], 1, decoder())[0]


def test_prompt_of_a_length_that_no_program_is_for_is_refused():
    with pytest.raises(ValueError, match=r"length 5 is none of \[1, 4, 8\]"):
        generate(padded_prompt([1, 2], [5]), decoder(), tokens=2)


@given(st.lists(st.integers(1, 39), min_size=1, max_size=8))
@settings(derandomize=True, deadline=None)
def test_prompt_is_kept_and_its_last_token_found(ids):
    inputs = padded_prompt(ids, (4, 8), pad=0)
    assert inputs["input_ids"].shape == (1, 4 if len(ids) <= 4 else 8)
    assert inputs["input_ids"][0, : inputs["last"][0] + 1].tolist() == ids


@pytest.mark.parametrize("ids", [[], [1] * 9])
def test_prompt_that_does_not_fit_is_refused(ids):
    with pytest.raises(ValueError, match="does not fit"):
        padded_prompt(ids, (4, 8))


def test_tokens_option():
    assert tokens_option({}, 32, 128) == 32
    assert tokens_option({"tokens": "128"}, 32, 128) == 128
    assert tokens_option({"tokens": "free"}, 32, 128) is None


@pytest.mark.parametrize("value", ["0", "129", "-1", "1.5", "", "many", "²"])
def test_bad_number_of_tokens_is_refused(value):
    with pytest.raises(UnsupportedSetupError, match="from 1 to 128, or 'free'"):
        tokens_option({"tokens": value}, 32, 128)


def test_unknown_option_is_refused():
    with pytest.raises(UnsupportedSetupError, match="'beams'"):
        tokens_option({"beams": "4"}, 32, 128)


def test_context_of_the_tiny_model_holds_what_the_tests_ask():
    assert max(size["length"] for size in SIZES) + 12 <= CONTEXT


def test_pinned_generates_so_many_tokens_whatever_ends():
    free = Greedy(SIZES, tokens=None, limit=12, end=range(WORDS))
    assert (free.open_ended, Greedy(SIZES, tokens=3, limit=12).open_ended) == ("decode", "")
    loaded = runners(decoder())
    marks: list[str] = []
    pinned = free.pinned(3)
    found = pinned(loaded, prompt(3, 1), lambda phase, units: marks.append(phase))
    assert found.shape == (1, 3) and marks == ["prefill", "decode", "decode"]
    assert free(runners(decoder()), prompt(3, 1), lambda *_: None).shape == (1, 1)
    assert free.pinned(99).limit == 12
