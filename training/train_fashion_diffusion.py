"""Train the U-Net of the model ``fashion-diffusion`` on Fashion-MNIST.

    python training/train_fashion_diffusion.py CHECKPOINT --steps 2000 --minutes 50 --bfloat16

Everything random follows from the seed and the number of the step, so that training that was cut
off goes on as if it had not been: run the same command again. The weights are written when all
steps are done.
"""

from __future__ import annotations

import argparse
import copy
import logging
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch.nn import functional

from wattmark.models.fashion_diffusion import WEIGHTS
from wattmark.models.networks.fashion_unet import TIME_STEPS, FashionUnet
from wattmark.pipelines.diffusion import cosine_schedule
from wattmark.tasks.fashion_mnist import training_set

SEED = 20261123
BATCH, RATE, EMA, WEIGHT_DECAY = 64, 1e-3, 0.999, 0.01
#: of all steps: the rate rises over the first, falls to zero over the last
WARM_UP_STEPS, FALLING = 300, 0.25

_log = logging.getLogger("train_fashion_diffusion")


def rate(step: int, steps: int) -> float:
    """Learning rate: a short rise, then constant, then a straight line to zero."""
    return RATE * min(1, (step + 1) / WARM_UP_STEPS, (steps - step) / (FALLING * steps))


def batch(
    images: NDArray[np.float32], labels: NDArray[np.int64], signal: NDArray[np.float64], step: int
) -> tuple[torch.Tensor, ...]:
    """x, t, class and v of one step. Time steps are stratified: each batch covers the schedule."""
    random = np.random.default_rng([SEED, step])
    chosen = random.integers(0, len(images), BATCH)
    t = ((np.arange(BATCH) + random.random(BATCH)) / BATCH * TIME_STEPS).astype(np.int64)
    image = torch.from_numpy(images[chosen])
    noise = torch.from_numpy(random.standard_normal(image.shape, np.float32))
    a = torch.from_numpy(signal[t].astype(np.float32))[:, None, None, None]
    x = a.sqrt() * image + (1 - a).sqrt() * noise
    v = a.sqrt() * noise - (1 - a).sqrt() * image
    return x, torch.from_numpy(t), torch.from_numpy(labels[chosen]), v


def main() -> None:
    """Train, or go on training, until all steps are done or the time is up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--minutes", type=float, default=50, help="wall time of this session")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--bfloat16", action="store_true", help="mixed precision")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    torch.manual_seed(SEED)

    images, labels = training_set()
    images = np.pad(images / 127.5 - 1, ((0, 0), (2, 2), (2, 2)), constant_values=-1)
    images = images[:, None].astype(np.float32)
    signal = cosine_schedule(TIME_STEPS)

    network = FashionUnet()
    average = copy.deepcopy(network).requires_grad_(False)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=WEIGHT_DECAY)
    first, spent = 0, 0.0
    if arguments.checkpoint.exists():
        saved = torch.load(arguments.checkpoint, weights_only=True)
        network.load_state_dict(saved["network"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        first, spent = saved["step"], saved["spent"]
    _log.info("from step %d; %d parameters", first, sum(p.numel() for p in network.parameters()))

    def save(step: int) -> None:
        state = {
            "network": network.state_dict(),
            "average": average.state_dict(),
            "optimizer": optimizer.state_dict(),
            "step": step,
            "spent": spent + time.monotonic() - began,
        }
        draft = arguments.checkpoint.with_suffix(".draft")
        torch.save(state, draft)
        draft.replace(arguments.checkpoint)

    began = time.monotonic()
    losses = []
    for step in range(first, arguments.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, arguments.steps)
        x, t, class_id, v = batch(images, labels, signal, step)
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.bfloat16):
            predicted = network(x, t, class_id)
        loss = functional.mse_loss(predicted.float(), v)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        weight = 1 - min(EMA, (step + 1) / (step + 10))
        with torch.no_grad():
            for mean, now in zip(average.parameters(), network.parameters(), strict=True):
                mean.lerp_(now, weight)
        losses.append(loss.item())
        if (step + 1) % 250 == 0:
            elapsed = spent + time.monotonic() - began
            _log.info("step %d loss %.4f after %.0f s", step + 1, np.mean(losses[-250:]), elapsed)
            save(step + 1)
        if time.monotonic() - began > arguments.minutes * 60:
            save(step + 1)
            _log.info("time is up at step %d of %d", step + 1, arguments.steps)
            return
    save(arguments.steps)
    save_file({k: v.half() for k, v in average.state_dict().items()}, arguments.weights)
    _log.info("wrote %s", arguments.weights)


if __name__ == "__main__":
    main()
