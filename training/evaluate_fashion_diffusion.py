"""Quality of the model ``fashion-diffusion`` for samplers and numbers of steps.

    python training/evaluate_fashion_diffusion.py --samples 1000 ddim:10 ddim:20 ddpm:100

Prints the table of the model card: agreement with its Wilson interval, and the Frechet distance,
both as the task image-generation defines them. Runs the PyTorch module, in batches.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

import numpy as np
import torch
from scipy.stats import binomtest

from wattmark.contracts import Inputs, Output
from wattmark.models.fashion_diffusion import FashionDiffusion
from wattmark.tasks.image_generation import ImageGeneration, frechet

BATCH = 50

_log = logging.getLogger("evaluate_fashion_diffusion")


def main() -> None:
    """One line of the table for each SAMPLER:STEPS."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("setups", nargs="+", metavar="SAMPLER:STEPS")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=Path, help="folder for a contact sheet of each setup")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    task, model = ImageGeneration(), FashionDiffusion()
    _, examples = task.load(arguments.samples, arguments.seed)
    queries = model.preprocess([example.data for example in examples])
    labels = [example.label for example in examples]
    (network,) = model.networks()
    module = network.module()

    def forward(inputs: Inputs) -> Output:
        with torch.inference_mode():
            return module(*(torch.from_numpy(inputs[spec.name]) for spec in network.inputs)).numpy()

    for setup in arguments.setups:
        sampler, steps = setup.split(":")
        pipeline = model.pipeline({"sampler": sampler, "steps": steps})
        began = time.process_time()
        images = []
        for start in range(0, len(queries), BATCH):
            part = queries[start : start + BATCH]
            inputs = {name: np.concatenate([query[name] for query in part]) for name in part[0]}
            output = pipeline({"forward": forward}, inputs, lambda *_: None)
            images.extend(model.postprocess(output, inputs))
        spent = time.process_time() - began
        predictions = [task.predict(image[None]) for image in images]
        right = round(sum(map(task.score, predictions, labels)))
        interval = binomtest(right, len(labels)).proportion_ci(method="wilson")
        _log.info(
            "| %s | %s | %d | %.3f | %.3f to %.3f | %.2f | %.1f s of CPU time",
            *(sampler, steps, len(labels), right / len(labels), interval.low, interval.high),
            *(frechet(predictions, labels), spent),
        )
        if arguments.pictures:
            _draw(images, labels, arguments.pictures / f"{sampler}-{steps}.png")


def _draw(images: list[np.ndarray], labels: list[str], path: Path) -> None:
    """Ten images of each class, a row for each."""
    from PIL import Image

    rows = []
    for name in dict.fromkeys(sorted(labels)):
        chosen = [image for image, label in zip(images, labels, strict=True) if label == name]
        rows.append(np.hstack(chosen[:10]))
    width = min(row.shape[1] for row in rows)
    Image.fromarray(np.vstack([row[:, :width] for row in rows])).save(path)


if __name__ == "__main__":
    main()
