from __future__ import annotations

import numpy as np
import pytest

from wattmark.errors import AssetError
from wattmark.tasks.fashion_classifier import WEIGHTS, classify, read_arrays

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8)


def test_numpy_computes_what_torch_does():
    torch = pytest.importorskip("torch")
    weights = {name: torch.from_numpy(array) for name, array in read_arrays(WEIGHTS).items()}
    x = torch.from_numpy(IMAGES)[:, None].float() / 255
    for layer in range(3):
        kernel = weights[f"kernel{layer}"].T.reshape(-1, x.shape[1], 3, 3)
        x = torch.conv2d(x, kernel, weights[f"bias{layer}"], padding=1)
        x = torch.max_pool2d(torch.relu(x), 2)
    flat = x.permute(0, 2, 3, 1).flatten(1)
    features = torch.relu(flat @ weights["dense"] + weights["dense_bias"])
    logits = features @ weights["classes"] + weights["classes_bias"]
    ours = classify(IMAGES)
    np.testing.assert_allclose(ours[0], logits.numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours[1], features.numpy(), rtol=1e-4, atol=1e-4)


def test_an_image_is_judged_alike_alone_and_among_others():
    np.testing.assert_allclose(classify(IMAGES[1:2])[0], classify(IMAGES)[0][1:2], atol=1e-4)


def test_it_is_small():
    assert WEIGHTS.stat().st_size < 1_000_000


@pytest.mark.parametrize("content", [b"", b"no archive", WEIGHTS.read_bytes()[:1000]])
def test_damaged_weights_say_what_to_do(tmp_path, content):
    damaged = tmp_path / "fashion_classifier.npz"
    damaged.write_bytes(content)
    with pytest.raises(AssetError, match="train_fashion_classifier"):
        read_arrays(damaged)
