"""Samplers against the papers' formulas, and against data whose best denoiser is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import UnsupportedSetupError
from wattmark.pipelines.diffusion import cosine_schedule, diffusion, sampling_steps

SIGNAL = cosine_schedule(200)
MEAN, DEVIATION = 0.3, 0.1


def best_denoiser(inputs):
    """The velocity that a perfect network predicts where pixels are N(MEAN, DEVIATION^2)."""
    x, a = inputs["x"], SIGNAL[inputs["t"]][:, None, None, None]
    gain = DEVIATION**2 * np.sqrt(a) / (a * DEVIATION**2 + 1 - a)
    image = MEAN + gain * (x - np.sqrt(a) * MEAN)
    noise = (x - np.sqrt(a) * image) / np.sqrt(1 - a)
    return (np.sqrt(a) * noise - np.sqrt(1 - a) * image).astype(np.float32)


def query(seed: int, rows: int = 1, side: int = 48):
    shape = (rows, 1, side, side)
    return {"noise": np.random.default_rng(seed).standard_normal(shape, np.float32)}


def answer(options, inputs, marks=None):
    mark = (lambda *_: None) if marks is None else (lambda *m: marks.append(m))
    return diffusion(SIGNAL, options)({"forward": best_denoiser}, inputs, mark)


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 400))
def test_cosine_schedule_is_the_papers_curve_until_its_last_step(steps):
    signal = cosine_schedule(steps)
    f = np.cos((np.arange(1, steps + 1) / steps + 0.008) / 1.008 * np.pi / 2) ** 2
    f0 = np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    np.testing.assert_allclose(signal[:-1], (f / f0)[:-1], rtol=1e-6)
    assert 0 < signal[-1] < 0.01
    assert np.all(np.diff(signal) < 0)


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 200), st.sampled_from([0.0, 1.0]))
def test_steps_go_down_from_the_last_and_are_as_many_as_asked_for(steps, eta):
    taken = [step.t for step in sampling_steps(SIGNAL, steps, eta)]
    assert len(taken) == steps
    assert taken[0] == 199
    assert taken == sorted(set(taken), reverse=True)
    assert taken[-1] >= 0


def test_all_steps_of_ddpm_are_the_posterior_of_ho_et_al():
    alpha = SIGNAL / np.concatenate([[1], SIGNAL[:-1]])
    for step in sampling_steps(SIGNAL, 200, eta=1.0):
        t = step.t
        before = SIGNAL[t - 1] if t else 1.0
        beta = 1 - alpha[t]
        assert step.image == pytest.approx(np.sqrt(before) * beta / (1 - SIGNAL[t]), abs=1e-6)
        assert step.rest == pytest.approx(
            np.sqrt(alpha[t]) * (1 - before) / (1 - SIGNAL[t]), abs=1e-6
        )
        assert step.noise**2 == pytest.approx((1 - before) / (1 - SIGNAL[t]) * beta, abs=1e-6)


def test_a_step_of_ddim_keeps_image_and_noise_and_only_mixes_them_anew():
    for step in sampling_steps(SIGNAL, 10, eta=0.0):
        image, noise = 0.4, -1.3
        x = step.signal * image + step.noise_now * noise
        following = step.image * image + step.rest * x
        after = step.image + step.rest * step.signal
        assert step.noise == 0
        assert following == pytest.approx(after * image + np.sqrt(1 - after**2) * noise, abs=2e-3)


def test_ddpm_draws_from_the_data():
    image = answer({"sampler": "ddpm", "steps": "200"}, query(0))
    assert image.mean() == pytest.approx(MEAN, abs=5 * DEVIATION / 48)
    # the posterior variance is the smaller of the two that Ho et al. name: a little too narrow
    assert image.std() == pytest.approx(DEVIATION, rel=0.1)


def test_ddim_carries_each_noise_to_its_own_image():
    inputs = query(1)
    image = answer({"sampler": "ddim", "steps": "200"}, inputs)
    np.testing.assert_allclose(image, MEAN + DEVIATION * inputs["noise"], atol=0.03)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_a_query_gets_the_same_image_alone_and_in_a_batch(sampler):
    inputs, options = query(2, rows=3, side=4), {"sampler": sampler, "steps": "7"}
    together = answer(options, inputs)
    alone = [answer(options, {"noise": inputs["noise"][i : i + 1]}) for i in range(3)]
    np.testing.assert_array_equal(together, np.concatenate(alone))
    assert not np.array_equal(together[0], together[1])


def test_queries_with_other_noise_get_other_fresh_noise():
    nearly = query(3, side=8)
    other = {"noise": nearly["noise"] + np.float32(1e-6)}
    options = {"sampler": "ddpm", "steps": "20"}
    assert np.abs(answer(options, nearly) - answer(options, other)).max() > 0.1


def test_every_step_is_marked_for_every_row():
    marks: list[tuple[str, int]] = []
    answer({"steps": "5"}, query(4, rows=2, side=4), marks)
    assert marks == [("denoise", 2)] * 5


def test_a_query_is_left_as_it_was():
    inputs = query(5, side=4)
    before = inputs["noise"].copy()
    answer({"sampler": "ddpm"}, inputs)
    np.testing.assert_array_equal(inputs["noise"], before)


def test_twenty_steps_of_ddim_unless_the_setup_says_otherwise():
    inputs = query(6, side=4)
    asked = answer({"sampler": "ddim", "steps": "20"}, inputs)
    np.testing.assert_array_equal(answer({}, inputs), asked)


def test_probe_shows_the_network_at_two_levels_of_noise():
    seen = []

    def forward(inputs):
        seen.append((int(inputs["t"][0]), inputs["class_id"].tolist()))
        return best_denoiser(inputs)

    inputs = {**query(7, rows=2, side=4), "class_id": np.array([3, 8])}
    output = diffusion(SIGNAL, {}).probe({"forward": forward}, inputs)
    assert output.shape == (2, 2, 16)
    assert seen == [(150, [3, 8]), (50, [3, 8])]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"sampler": "euler"}, "ddim, ddpm"),
        ({"steps": "0"}, "from 1 to 200"),
        ({"steps": "201"}, "from 1 to 200"),
        ({"steps": "many"}, "steps=many"),
        ({"steps": "²"}, "from 1 to 200"),
        ({"guidance": "3"}, "no option 'guidance'"),
    ],
)
def test_a_bad_option_is_named(options, complaint):
    with pytest.raises(UnsupportedSetupError, match=complaint):
        diffusion(SIGNAL, options)
