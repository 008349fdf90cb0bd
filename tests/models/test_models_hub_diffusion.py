"""Stable Diffusion in a folder like a hub repository, against diffusers' own pipeline."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
diffusers = pytest.importorskip("diffusers")

from diffusers_folders import SCHEDULER, save_stable_diffusion  # noqa: E402
from hub_folders import change  # noqa: E402

from wattmark.errors import AssetError, InputError, UnsupportedSetupError  # noqa: E402
from wattmark.frameworks.torch_runners import reference_runners  # noqa: E402
from wattmark.models.hub.hub_image_generation import HubImageGeneration  # noqa: E402
from wattmark.models.hub.hub_noise_schedule import noise_schedule  # noqa: E402
from wattmark.pipelines.diffusion import noise_seed  # noqa: E402

QUERY = ("a dress", 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stable-diffusion")


@pytest.fixture(scope="module")
def own(folder):
    return save_stable_diffusion(folder)


@pytest.fixture
def copy(folder, own, tmp_path):
    """A copy of the folder that may be changed."""
    for file in (p for p in folder.rglob("*") if p.is_file()):
        target = tmp_path / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("sampler", "guidance", "changes"),
    [
        ("ddim", 7.5, {}),
        ("ddim", 1.0, {"prediction_type": "v_prediction", "timestep_spacing": "trailing"}),
        ("ddpm", 3.0, {}),
        ("ddpm", 3.0, {"prediction_type": "sample"}),
    ],
)
def test_images_are_those_of_diffusers(copy, own, sampler, guidance, changes, monkeypatch):
    change(copy / "scheduler" / "scheduler_config.json", **changes)
    model = HubImageGeneration(f"folder:{copy}")
    (query,) = model.preprocess([QUERY])
    marks = []
    pipeline = model.pipeline({"sampler": sampler, "steps": "5", "guidance": str(guidance)})
    ours = pipeline(reference_runners(model.networks()), query, lambda *mark: marks.append(mark))

    fresh = np.random.default_rng(noise_seed(query["noise"][0]))
    monkeypatch.setattr(
        "diffusers.schedulers.scheduling_ddpm.randn_tensor",
        lambda shape, **_: torch.from_numpy(fresh.standard_normal(shape, np.float32)),
    )
    schedulers = {"ddim": diffusers.DDIMScheduler, "ddpm": diffusers.DDPMScheduler}
    own.scheduler = schedulers[sampler](**{
        k: v for k, v in {**SCHEDULER, **changes}.items()
        if sampler == "ddim" or k != "set_alpha_to_one"
    })  # fmt: skip
    theirs = own(
        "a dress", num_inference_steps=5, guidance_scale=guidance, output_type="np",
        latents=torch.from_numpy(query["noise"]),
    ).images  # fmt: skip
    assert theirs.std() > 0.05
    np.testing.assert_allclose(
        np.clip(ours / 2 + 0.5, 0, 1).transpose(0, 2, 3, 1), theirs, atol=1e-3
    )
    assert marks == [("encode", 1), *[("denoise", 1)] * 5, ("decode", 1)]
    image = model.postprocess(ours, query)
    assert image.shape == model.image_shape == (3, 16, 16) and image.dtype == np.uint8


def test_identity_counts_all_parts_and_a_seed_gives_its_noise(folder, own):
    model = HubImageGeneration(f"folder:{folder}")
    parts = (own.text_encoder, own.unet, own.vae)
    assert model.info().parameters == sum(p.numel() for m in parts for p in m.parameters())
    first, again, other = model.preprocess([QUERY, QUERY, ("a dress", 4)])
    np.testing.assert_array_equal(first["noise"], again["noise"])
    assert not np.array_equal(first["noise"], other["noise"])
    assert model.pipeline({}).probe(reference_runners(model.networks()), first).ndim == 2


@pytest.mark.parametrize(
    "options", [{"sampler": "euler"}, {"steps": "0"}, {"guidance": "much"}, {"tokens": "3"}]
)
def test_options_that_mean_nothing_are_refused(folder, own, options):
    with pytest.raises(UnsupportedSetupError, match=next(iter(options.values()))[:4] + "|option"):
        HubImageGeneration(f"folder:{folder}").pipeline(options)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"clip_sample": True}, "clip_sample True"),
        ({"prediction_type": "flow"}, "prediction_type flow"),
        ({"beta_schedule": "sigmoid"}, "beta_schedule sigmoid"),
        ({"rescale_betas_zero_snr": True}, "rescale_betas_zero_snr True"),
    ],
)
def test_a_schedule_that_is_not_known_is_refused(settings, said):
    with pytest.raises(InputError, match=said):
        noise_schedule({**SCHEDULER, **settings}, "m")


def test_what_does_not_fit_is_refused(copy):
    model = f"folder:{copy}"
    change(copy / "unet" / "config.json", in_channels=9)
    with pytest.raises(InputError, match=r"more than noise and text \(9 channels, where the VAE"):
        HubImageGeneration(model).info()
    change(copy / "model_index.json", _class_name="StableDiffusionXLPipeline")
    with pytest.raises(InputError, match=r"it is a StableDiffusionXLPipeline.*what can be run"):
        HubImageGeneration(model).info()
    weights = copy / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    change(copy / "model_index.json", _class_name="StableDiffusionPipeline")
    change(copy / "unet" / "config.json", in_channels=4)
    with pytest.raises(AssetError, match=r"vae/diffusion_pytorch_model\.safetensors of .*no whole"):
        HubImageGeneration(model).info()
    weights.unlink()
    with pytest.raises(AssetError, match=r"has no vae/diffusion_pytorch_model\.safetensors"):
        HubImageGeneration(model).info()
