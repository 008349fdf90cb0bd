"""What a task must offer: data, unit of work, quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from wattmark.records import TaskInfo


@dataclass(frozen=True)
class Example:
    """A raw example and what it should give. ``source`` is the data set that it is from.

    A ``label`` of None says that the task cannot score an answer to it.
    """

    data: Any
    label: Any
    source: str = ""


@dataclass(frozen=True)
class Sensitivity:
    """What is assumed of a task's quality before anything is measured, to say what a sample shows.

    ``reference`` is the usual mean score, ``examples`` how many packaged ones there are. Beside
    what it loses, a reduced precision is taken to turn a share ``changed`` of right and wrong
    answers round (scores of 0 or 1), or else scores to differ with the standard deviation
    ``spread``. ``judged`` is the size of a sample of its own that quality is judged by, and
    ``metric`` that metric, where it is not the task's.
    """

    reference: float
    examples: int
    changed: float | None = None
    spread: float | None = None
    judged: int | None = None
    metric: str = ""


class DataSet(Protocol):
    """A public data set in the form that one task takes; plans name it in ``data``."""

    @property
    def name(self) -> str:
        """Its name in plans."""
        ...

    @property
    def repo(self) -> str:
        """Where it is published."""
        ...

    @property
    def split(self) -> str:
        """Which part of it is read."""
        ...

    @property
    def licence(self) -> str:
        """Its licence or terms."""
        ...

    @property
    def gated(self) -> bool:
        """Whether it is given out only to those who accept its terms."""
        ...

    @property
    def unit(self) -> str:
        """The unit of work: "query" or "image"."""
        ...

    @property
    def label(self) -> str:
        """What its labels say in the task's terms; empty where the task cannot score it."""
        ...

    @property
    def collections(self) -> tuple[str, ...]:
        """Names that stand for several data sets ("aies")."""
        ...

    def draw(self, samples: int, seed: int, folder: Path | None) -> tuple[str, list[Example]]:
        """Where it was read, and at most ``samples`` examples in an order drawn by ``seed``.

        ``folder`` is the user's copy. A smaller sample of one seed is the start of a larger one.
        Raises AssetError and MissingPackageError.
        """
        ...


class Task(Protocol):
    """Data set, unit of work and quality metric.

    A task may also have ``also``: further metrics by name, each a function like ``quality``.
    They are reported beside it and decide nothing. It may have ``require_scorable(model)``, which
    raises InputError for a model whose answers it cannot score, before any is made; ``sensitivity``
    (:class:`Sensitivity`), by which plans say what loss a sample can show; and, where models
    generate text, ``held_out(asked, seed)``: (beginning, continuation) pairs of texts not asked.
    """

    name: str
    default_model: str
    #: name of the quality metric ("accuracy", "ROUGE-L", "WER"), as it is shown
    metric: str
    #: False where less of the metric is better (a word error rate)
    higher_is_better: bool

    def load(self, samples: int, seed: int) -> tuple[TaskInfo, list[Example]]:
        """A seeded sample of at most ``samples`` examples, drawn equally from the data sets."""
        ...

    def predict(self, answer: Any) -> str:
        """The model's postprocessed answer to one query as text (kept in the raw samples)."""
        ...

    def score(self, prediction: str, label: Any) -> float:
        """Quality of one query, between 0 and 1."""
        ...

    def quality(self, predictions: Sequence[str], labels: Sequence[Any]) -> float:
        """The metric over a whole sample (a mean of scores, a correlation, an mAP).

        Resampled for its interval: about 1 000 calls on samples with repeats.
        """
        ...
