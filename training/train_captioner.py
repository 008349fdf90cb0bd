"""Train ``scene-captioner`` on rendered scenes, and report its quality on held-out ones.

Every batch is drawn anew: hardly a scene is seen twice, and no caption that the task holds out is
ever trained on. Cross-entropy of the next token, AdamW, one cycle of the learning rate; the
weights that are kept are a moving average, rounded to fp16. Products are computed in bf16 under
``torch.autocast``. A run that was stopped goes on from its last checkpoint, with the batches that
it would have had.

    python training/train_captioner.py FOLDER                # train, write weights, evaluate
    python training/train_captioner.py FOLDER --minutes 30   # stop with a checkpoint by then
    python training/train_captioner.py --evaluate            # only evaluate the committed weights
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from scipy.stats import binomtest
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from wattmark.models.networks.scene_captioner_module import CONTEXT, untrained
from wattmark.models.scene_captioner import BEGIN, END, WEIGHTS, SceneCaptioner, normalised
from wattmark.tasks.image_captioning import ImageCaptioning
from wattmark.tasks.scenes import Scene, render, scenes, vocabulary

SEED = 20260801
#: the learning rate's cycle was planned for 2 500 steps; training was cut at 2 000, good enough
SCHEDULE, STEPS = 2500, 2000
BATCH = 64
PEAK_RATE = 2e-3
WARM_UP = 200
DECAY = 0.05
CLIP = 1.0
AVERAGE = 0.995
SAVE_EVERY = 100
CHECK_EVERY = 500
CHECKED = 256
EVALUATED = 200

WORDS = ("<begin>", "<end>", *vocabulary())
_log = logging.getLogger("train_captioner")


def draw(seed: tuple[int, int], count: int) -> list[Scene]:
    """Scenes that may be trained on."""
    rng = np.random.default_rng(seed)
    return list(itertools.islice(scenes(rng, evaluation=False), count))


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (n, 3, 64, 64) and token ids (n, length), padded with the end token."""
    drawn = draw((SEED, step), BATCH)
    rows = [[BEGIN, *(WORDS.index(w) for w in s.caption.split()), END] for s in drawn]
    ids = np.full((BATCH, max(map(len, rows))), END, np.int64)
    for row, caption in zip(ids, rows, strict=True):
        row[: len(caption)] = caption
    images = np.concatenate([normalised(render(scene)) for scene in drawn])
    return torch.from_numpy(images), torch.from_numpy(ids)


def loss_of(network: Any, images: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of the tokens up to and with the first end token."""
    given, wanted = ids[:, :-1], ids[:, 1:]
    start = torch.zeros(len(ids), dtype=torch.int64)
    cache = network.empty_cache(len(ids), given.shape[1])
    hidden, _ = network.decode(given, start, network.encode(images), cache)
    losses = functional.cross_entropy(
        network.logits(hidden).float().flatten(0, 1), wanted.flatten(), reduction="none"
    )
    return losses[(given != END).flatten()].mean()


def rate(step: int) -> float:
    """Learning rate: a linear rise, then a cosine that would reach a hundredth at SCHEDULE."""
    if step < WARM_UP:
        return PEAK_RATE * (step + 1) / WARM_UP
    done = (step - WARM_UP) / (SCHEDULE - WARM_UP)
    return PEAK_RATE * (0.505 + 0.495 * math.cos(math.pi * done))


def captions_of(network: Any, images: torch.Tensor) -> list[str]:
    """Greedy captions without a cache: every token reads the whole caption so far."""
    ids = torch.full((len(images), 1), BEGIN)
    start = torch.zeros(len(images), dtype=torch.int64)
    with torch.inference_mode():
        cross = network.encode(images)
        for length in range(1, CONTEXT):
            cache = network.empty_cache(len(images), length)
            hidden, _ = network.decode(ids, start, cross, cache)
            ids = torch.cat([ids, network.logits(hidden[:, -1:]).argmax(-1)], 1)
    rows = [itertools.takewhile(lambda token: token != END, row) for row in ids[:, 1:].tolist()]
    return [" ".join(WORDS[token] for token in row) for row in rows]


def exact_matches(network: Any, drawn: Sequence[Scene]) -> int:
    """How many scenes get their caption."""
    found = []
    for first in range(0, len(drawn), 64):
        images = np.concatenate([normalised(render(s)) for s in drawn[first : first + 64]])
        found += captions_of(network, torch.from_numpy(images))
    return sum(text == scene.caption for text, scene in zip(found, drawn, strict=True))


class Training:
    """All that a checkpoint holds: network, its average, optimiser, step and seconds so far."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "captioner.pt"
        torch.manual_seed(SEED)
        self.network = untrained(len(WORDS)).train()
        self.average = untrained(len(WORDS)).eval()
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), betas=(0.9, 0.98), weight_decay=DECAY, fused=True
        )
        self.step, self.seconds = 0, 0.0
        if self.file.exists():
            kept = torch.load(self.file, weights_only=True)
            for part in ("network", "average", "optimiser"):
                getattr(self, part).load_state_dict(kept[part])
            self.step, self.seconds = kept["step"], kept["seconds"]
            _log.info("going on from step %d", self.step)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        parts = {p: getattr(self, p).state_dict() for p in ("network", "average", "optimiser")}
        partial = self.file.with_suffix(".partial")
        torch.save({**parts, "step": self.step, "seconds": self.seconds}, partial)
        partial.replace(self.file)

    def advance(self) -> float:
        """One step; its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.step)
        with torch.autocast("cpu", torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            loss = loss_of(self.network, *batch(self.step))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimiser.step()
        self.optimiser.zero_grad()
        weight = max(1 - AVERAGE, 1 / (self.step + 1))
        current = self.network.state_dict()
        for name, held in self.average.state_dict().items():
            if held.is_floating_point():
                held.lerp_(current[name], weight)
            else:
                held.copy_(current[name])
        self.step += 1
        return float(loss.detach())

    def run(self, minutes: float) -> bool:
        """Train until the last step or until the time is up; whether it is done."""
        began, before, losses = time.monotonic(), self.seconds, []
        while self.step < STEPS:
            losses.append(self.advance())
            self.seconds = before + time.monotonic() - began
            if self.step % SAVE_EVERY == 0 or self.step == STEPS:
                self.save()
                _log.info("step %d, %.0f s, loss %.4f", self.step, self.seconds, np.mean(losses))
                losses.clear()
                if time.monotonic() - began > minutes * 60:
                    return self.step == STEPS
            if self.step % CHECK_EVERY == 0:
                right = exact_matches(self.average, draw((SEED, SCHEDULE + self.step), CHECKED))
                _log.info("fresh scenes, exact match %d of %d", right, CHECKED)
        return True

    def write_weights(self) -> None:
        """The averaged weights in fp16, with the vocabulary and how they came to be."""
        state = self.average.state_dict()
        tensors = {k: v.half() for k, v in state.items() if v.is_floating_point()}
        recipe = {
            "seed": SEED,
            "steps": STEPS,
            "schedule": SCHEDULE,
            "batch": BATCH,
            "seconds": round(self.seconds),
        }
        metadata = {"words": json.dumps(WORDS), "recipe": json.dumps(recipe)}
        save_file(tensors, WEIGHTS, metadata)
        _log.info("wrote %s", WEIGHTS.name)


def evaluate() -> None:
    """Exact match and CIDEr-D of the committed weights on held-out scenes."""
    task, model = ImageCaptioning(), SceneCaptioner()
    network = model.captioner()
    _, examples = task.load(EVALUATED, SEED)
    found: list[str] = []
    for first in range(0, len(examples), 50):
        inputs = model.preprocess([e.data for e in examples[first : first + 50]])
        images = np.concatenate([query["image"] for query in inputs])
        found += captions_of(network, torch.from_numpy(images))
    labels = [e.label for e in examples]
    right = round(task.quality(found, labels) * len(labels))
    interval = binomtest(right, len(labels)).proportion_ci(0.95, method="wilson")
    _log.info(
        "held out: exact match %d of %d, 95 %% interval %.4f to %.4f",
        *(right, len(labels), interval.low, interval.high),
    )
    for name, measure in task.also.items():
        _log.info("held out: %s %.3f", name, measure(found, labels))
    for groups in range(1, 4):
        pairs = [p for p in zip(found, labels, strict=True) if _groups(p[1]) == groups]
        _log.info("%d groups: %d of %d", groups, sum(a == b for a, b in pairs), len(pairs))
    wrong = [p for p in zip(found, labels, strict=True) if p[0] != p[1]]
    for prediction, label in wrong[:20]:
        _log.info("said %r, was %r", prediction, label)


def _groups(caption: str) -> int:
    return 1 + caption.count(" left of ") + caption.count(" above ")


def main() -> None:
    """Train, write and evaluate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", nargs="?", type=Path, help="folder for the checkpoint")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after this long")
    parser.add_argument("--evaluate", action="store_true", help="do not train")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%X")
    if not arguments.evaluate:
        if arguments.work is None:
            parser.error("a folder for the checkpoint is needed")
        arguments.work.mkdir(parents=True, exist_ok=True)
        training = Training(arguments.work)
        if not training.run(arguments.minutes):
            _log.info("stopped at step %d of %d", training.step, STEPS)
            return
        training.write_weights()
    evaluate()


if __name__ == "__main__":
    main()
