"""What a model's answers say, and how good they are: the task's view of a round."""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.contracts import Model, Output, Task
from wattmark.protocol.material import Material


@dataclass(frozen=True)
class Judge:
    """Turns raw outputs into predictions and scores, outside every window."""

    task: Task
    model: Model
    material: Material

    def judge(self, query: int, output: Output) -> tuple[str, float]:
        """The prediction as text and its score, for the output of query number ``query``."""
        answer = self.model.postprocess(output, self.material.queries[query])
        prediction = self.task.predict(answer)
        return prediction, self.task.score(prediction, self.material.examples[query].label)
