"""What a model's answers say, and how good they are: the task's view of a round."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wattmark.conduct.material import Material
from wattmark.contracts import Model, Output, Task


@dataclass(frozen=True)
class Judge:
    """Turns raw outputs into predictions and scores, outside every window."""

    task: Task
    model: Model
    material: Material

    def judge(self, query: int, output: Output) -> tuple[str, float]:
        """The prediction as text and its score, for the output of query number ``query``.

        The score of an example without a label is not a number.
        """
        answer = self.model.postprocess(output, self.material.queries[query])
        prediction = self.task.predict(answer)
        label = self.material.examples[query].label
        return prediction, math.nan if label is None else self.task.score(prediction, label)

    def unanswered(self, query: int) -> tuple[str, float]:
        """Of a query that failed: empty, and 0 where an answer could have been scored."""
        return "", math.nan if self.material.examples[query].label is None else 0.0
