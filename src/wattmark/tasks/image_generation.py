"""Image generation: ten kinds of clothes by name, judged by a classifier of Fashion-MNIST.

A query is a prompt and a seed for the noise that the image starts from, so that every setup
starts from the same. The metric is *agreement*: how often a classifier that the generator has
never met (:mod:`wattmark.tasks.fashion_classifier`) sees what was asked for. Agreement does not
see a lack of variety; the Frechet distance beside it does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattmark.assets.digest import file_sha256
from wattmark.contracts import Example, Model, Sensitivity
from wattmark.errors import InputError
from wattmark.records import TaskInfo, content_digest
from wattmark.tasks.fashion_classifier import WEIGHTS, classify, read_arrays
from wattmark.tasks.fashion_mnist import CLASSES, IMAGE_SIZE
from wattmark.tasks.frechet import Gaussian, frechet_distance

#: prompt for each class
PROMPTS = {
    name: {"trousers": "trousers", "ankle boot": "an ankle boot"}.get(name, f"a {name}")
    for name in CLASSES
}
MOST_SAMPLES = 1000
SOURCE = "fashion-mnist"
#: mean and covariance of the judge's features on the 10 000 test images
REFERENCE = Path(__file__).with_name("fashion_reference.npz")

JUDGED_SHAPE = (1, IMAGE_SIZE, IMAGE_SIZE)
#: what the prediction begins with for an image that the judge cannot see
_OTHER = "image"

#: images that are judged once and kept: a sample is resampled about a thousand times
_JUDGED = 4 * MOST_SAMPLES


def frechet(predictions: Sequence[str], labels: Sequence[str]) -> float:
    """Frechet distance of the images to the test set, on the judge's 64 features.

    Not comparable with a distance on Inception features, nor with one of another sample size:
    it falls with the number of images. NaN for fewer than two.
    """
    if len(predictions) < 2:
        return float("nan")
    features = np.stack([_judged(prediction)[1] for prediction in predictions])
    return frechet_distance(Gaussian.of(features), _reference())


class ImageGeneration:
    """Draw what the prompt says. An example is ``(prompt, seed)``, its label a class's name.

    A model answers with an image in uint8, 0 black and 255 white. The judge sees those of shape
    (1, 28, 28); of others, (1 or 3, height, width), the cost can be measured, not the quality.
    """

    name = "image-generation"
    default_model = "fashion-diffusion"
    metric = "classifier agreement"
    higher_is_better = True
    sensitivity = Sensitivity(0.9, 1000, changed=0.02)
    #: further metrics of a whole sample: functions of predictions and labels
    also: Mapping[str, Callable[[Sequence[str], Sequence[str]], float]] = {
        "Fréchet distance": frechet
    }

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """At most 1000 prompts, every class as often as any other (give or take one)."""
        count = min(samples, MOST_SAMPLES)
        random = np.random.default_rng(seed)
        rounds = [random.permutation(len(CLASSES)) for _ in range(0, count, len(CLASSES))]
        labels = [CLASSES[c] for c in np.concatenate([[], *rounds]).astype(int)[:count]]
        seeds = random.choice(2**31, count, replace=False).tolist()
        examples = [
            Example((PROMPTS[label], noise_seed), label, SOURCE)
            for label, noise_seed in zip(labels, seeds, strict=True)
        ]
        judge = [file_sha256(WEIGHTS), file_sha256(REFERENCE)]
        info = TaskInfo(
            name=self.name,
            unit="image",
            metric=self.metric,
            samples=count,
            data_digest=content_digest([judge, [[*e.data, e.label] for e in examples]]),
            licence="Apache-2.0; judge and statistics made from Fashion-MNIST, MIT",
            sources=("Fashion-MNIST, arXiv 1708.07747", "training/train_fashion_classifier.py"),
            description=f"{count} prompts for {len(CLASSES)} kinds of clothes, 28 x 28 pixels",
        )
        return info, examples

    def require_scorable(self, model: Model) -> None:
        """Raises InputError where the judge cannot see the model's images, before it makes any.

        A model whose images are not (1, 28, 28) has their ``image_shape``.
        """
        shape = getattr(model, "image_shape", JUDGED_SHAPE)
        if tuple(shape) != JUDGED_SHAPE:
            raise InputError(_unseen(f"images of {model.name}, of shape {tuple(shape)},"))

    def predict(self, answer: NDArray[np.uint8]) -> str:
        """The image (1, 28, 28) uint8 as base64 of its 784 bytes; of one of another size, or in
        colour, the shape and digest. Raises InputError for what is no image in uint8."""
        if answer.ndim != 3 or answer.shape[0] not in (1, 3) or answer.dtype != np.uint8:
            raise InputError(
                "image-generation takes images of shape (1 or 3, height, width) in uint8; the "
                f"model gave {answer.shape} in {answer.dtype}: it needs another task"
            )
        if answer.shape == JUDGED_SHAPE:
            return base64.b64encode(answer.tobytes()).decode("ascii")
        size = "x".join(map(str, answer.shape))
        return f"{_OTHER} {size} sha256 {hashlib.sha256(answer.tobytes()).hexdigest()}"

    def score(self, prediction: str, label: str) -> float:
        """1 where the judge sees the class that was asked for."""
        return float(_judged(prediction)[0] == label)

    def quality(self, predictions: Sequence[str], labels: Sequence[str]) -> float:
        """Agreement: the mean of the scores."""
        return float(
            np.mean([_judged(p)[0] == k for p, k in zip(predictions, labels, strict=True)])
        )


def image_of(prediction: str) -> NDArray[np.uint8]:
    """The image (28, 28) that a prediction holds. Raises InputError where it holds none."""
    if prediction.startswith(_OTHER):
        raise InputError(_unseen(prediction.partition(" sha256")[0]))
    try:
        values = np.frombuffer(base64.b64decode(prediction, validate=True), np.uint8)
        return values.reshape(IMAGE_SIZE, IMAGE_SIZE)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"not an image of 28 x 28 bytes in base64: {prediction[:40]!r}") from error


def _unseen(what: str) -> str:
    return (
        f"the judge of image-generation sees grey clothes of {IMAGE_SIZE} x {IMAGE_SIZE} pixels "
        f"and nothing else, and cannot score {what}: measure cost alone with `cost_only: true` "
        "(--cost-only)"
    )


@lru_cache(maxsize=_JUDGED)
def _judged(prediction: str) -> tuple[str, NDArray[np.float32]]:
    """The class that the judge sees, and its features (64,)."""
    logits, features = classify(image_of(prediction)[None])
    return CLASSES[int(logits[0].argmax())], features[0]


@cache
def _reference() -> Gaussian:
    arrays = read_arrays(REFERENCE)
    return Gaussian(arrays["mean"].astype(np.float64), arrays["covariance"].astype(np.float64))
