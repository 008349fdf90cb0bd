"""What loss of quality a plan's sample can show, told before it is run."""

from __future__ import annotations

from wattmark.contracts import Sensitivity, Task
from wattmark.formatting import number
from wattmark.records import Plan
from wattmark.statistics.power import smallest_loss


def loss_sentence(task: Task, samples: int) -> str:
    """The smallest loss that so many examples show at 80 % power; "" where nothing is assumed."""
    assumed: Sensitivity | None = getattr(task, "sensitivity", None)
    if assumed is None:
        return ""
    count = assumed.judged or min(samples, assumed.examples)
    what = "held-out texts" if assumed.judged else "examples"
    metric = assumed.metric or task.metric
    found = smallest_loss(count, assumed.reference, changed=assumed.changed, spread=assumed.spread)
    usual = number(assumed.reference, 2)
    if found is None:
        return (
            f"{count} {what} cannot show any loss of {metric} at 80 % power "
            f"(of a reference of {usual})"
        )
    return (
        f"the smallest loss that {count} {what} show at 80 % power is "
        f"{number(100 * found, 1)} % of the reference's {metric} (taken to be {usual})"
    )


def card_sentence(task: Task) -> str:
    """The same of the default sample of plans, as it stands in cards; "" likewise."""
    said = loss_sentence(task, Plan.model_fields["samples"].default)
    return f"With the default sample, {said}." if said else ""
