"""Train the judge of the task image-generation on Fashion-MNIST, and write its statistics.

    python training/train_fashion_classifier.py                # trains, writes, prints accuracy
    python training/train_fashion_classifier.py --statistics   # only the reference statistics

Writes ``fashion_classifier.npz`` (weights in float16, batch norm folded into the convolutions) and
``fashion_reference.npz`` (mean and covariance of the judge's features on the test set) beside the
task. Both figures that it prints are of the numpy judge with the weights as written.
"""

from __future__ import annotations

import argparse
import logging
import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from wattmark.tasks.fashion_classifier import FEATURES, WEIGHTS, classify
from wattmark.tasks.fashion_mnist import test_set, training_set
from wattmark.tasks.frechet import Gaussian, frechet_distance
from wattmark.tasks.image_generation import REFERENCE

SEED = 20261123
CHANNELS = (24, 48, 96)
EPOCHS, BATCH, RATE, WEIGHT_DECAY, SMOOTHING, DROPOUT = 6, 128, 4e-3, 0.02, 0.05, 0.2
#: training images are moved by up to so many pixels
SHIFT = 1

_log = logging.getLogger("train_fashion_classifier")


class Judge(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """The network that :func:`wattmark.tasks.fashion_classifier.classify` computes."""

    def __init__(self) -> None:
        super().__init__()
        pairs = zip((1, *CHANNELS), CHANNELS, strict=False)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False) for inputs, outputs in pairs
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for channels in CHANNELS)
        self.dropout = nn.Dropout(DROPOUT)
        self.dense = nn.Linear(CHANNELS[-1] * 9, FEATURES)
        self.classes = nn.Linear(FEATURES, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (n, 10) of images (n, 1, 28, 28) of 0 to 1."""
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = functional.max_pool2d(functional.relu(norm(convolution(x))), 2)
        features = functional.relu(self.dense(self.dropout(x.flatten(1))))
        return self.classes(self.dropout(features))

    def folded(self) -> dict[str, NDArray[np.float16]]:
        """Weights as the numpy judge takes them: pixels before channels, columns are outputs."""
        stored: dict[str, torch.Tensor] = {}
        for layer, (convolution, norm) in enumerate(
            zip(self.convolutions, self.norms, strict=True)
        ):
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            kernel = convolution.weight * scale[:, None, None, None]
            stored[f"kernel{layer}"] = kernel.flatten(1).T
            stored[f"bias{layer}"] = norm.bias - norm.running_mean * scale
        dense = self.dense.weight.view(FEATURES, CHANNELS[-1], 3, 3).permute(2, 3, 1, 0)
        stored |= {"dense": dense.reshape(-1, FEATURES), "dense_bias": self.dense.bias}
        stored |= {"classes": self.classes.weight.T, "classes_bias": self.classes.bias}
        return {name: tensor.detach().half().numpy() for name, tensor in stored.items()}


def augmented(images: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Images (n, 1, 28, 28), each moved by up to SHIFT pixels either way."""
    count = len(images)
    padded = functional.pad(images, (SHIFT,) * 4)
    rows, columns = (
        torch.from_numpy(random.integers(0, 2 * SHIFT + 1, count))[:, None] + torch.arange(28)
        for _ in range(2)
    )
    index = torch.arange(count)[:, None, None]
    return padded[index, 0, rows[:, :, None], columns[:, None, :]][:, None]


def train() -> Judge:
    """The network after all epochs, in eval mode."""
    torch.manual_seed(SEED)
    random = np.random.default_rng(SEED)
    pixels, classes = training_set()
    images = torch.from_numpy(pixels[:, None].astype(np.float32) / 255)
    labels = torch.from_numpy(classes)
    judge = Judge()
    optimizer = torch.optim.AdamW(judge.parameters(), RATE, weight_decay=WEIGHT_DECAY)
    per_epoch = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, EPOCHS * per_epoch)
    began = time.monotonic()
    for epoch in range(EPOCHS):
        order = torch.from_numpy(random.permutation(len(images)))
        total = 0.0
        for start in range(0, per_epoch * BATCH, BATCH):
            chosen = order[start : start + BATCH]
            logits = judge(augmented(images[chosen], random))
            loss = functional.cross_entropy(logits, labels[chosen], label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        _log.info(
            "epoch %d loss %.4f after %.0f s", epoch, total / per_epoch, time.monotonic() - began
        )
    return judge.eval()


def write_statistics() -> None:
    """Accuracy and reference statistics on the test set; the distance of real images to them."""
    images, labels = test_set()
    parts = [classify(part) for part in np.array_split(images, 40)]
    logits, features = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    right = logits.argmax(1) == labels
    _log.info("test accuracy %.4f, n = %d", right.mean(), len(labels))
    for label in range(10):
        _log.info("class %d: %.3f", label, right[labels == label].mean())
    reference = Gaussian.of(features)
    np.savez(REFERENCE, mean=reference.mean, covariance=reference.covariance.astype(np.float32))
    real, real_labels = training_set()
    for each in (10, 30, 100):
        chosen = np.concatenate([np.flatnonzero(real_labels == c)[:each] for c in range(10)])
        distance = frechet_distance(Gaussian.of(classify(real[chosen])[1]), reference)
        _log.info("Frechet distance of %d training images: %.3f", len(chosen), distance)


def main() -> None:
    """Train unless only the statistics are asked for; then write these."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--statistics", action="store_true")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    if not arguments.statistics:
        np.savez(WEIGHTS, **train().folded())
        _log.info("wrote %s", WEIGHTS.name)
    write_statistics()


if __name__ == "__main__":
    main()
