"""The sheet of Annex XI, section 1, of the EU AI Act: Regulation (EU) 2024/1689, article 53(1)(a).

Its points are all listed, in the order of the annex; what a measurement cannot know is left to
the provider.
"""

from __future__ import annotations

from wattmark.contracts import Exported
from wattmark.exports.sheet import Sheet
from wattmark.exports.subject import Subject
from wattmark.formatting import quantity_text
from wattmark.impact.site import Given, Range
from wattmark.quantities import Quantity

_PROVIDER = "for the provider to say"


class EuAiAct:
    """The format ``eu-ai-act-annex-xi``."""

    name = "eu-ai-act-annex-xi"
    title = "technical documentation, EU AI Act, Annex XI, section 1"

    def document(self, subject: Subject) -> Exported:
        """The sheet in Markdown."""
        run, training = subject.run, subject.training
        sheet = Sheet("Technical documentation, EU AI Act, Annex XI, section 1")
        sheet.section("1. General description")
        sheet.point("(a) tasks the model is intended to perform", run.task.name)
        sheet.point("(b) acceptable use policies", None, _PROVIDER)
        sheet.point("(c) date of release and methods of distribution", None, _PROVIDER)
        parameters = run.model.parameters
        sheet.point(
            "(d) architecture and number of parameters",
            None if parameters is None else f"{parameters} parameters",
            "the model does not say how many parameters it has",
        )
        if parameters is not None:
            sheet.open_.add("(d) architecture", _PROVIDER)
        sheet.point(
            "(e) modality and format of inputs and outputs", f"a {run.task.unit} of the task"
        )
        sheet.point("(f) licence", run.model.licence)
        sheet.section("2. Elements of the development")
        sheet.point("(a) technical means for integration", None, _PROVIDER)
        sheet.point("(b) design and training process", None, _PROVIDER)
        sheet.point("(c) data used for training", None, _PROVIDER)
        _compute(sheet, subject)
        sheet.figure("(e) energy consumption, training", subject.training_kwh())
        if training is not None:
            method = next(w for w in ("measured", "hardware", "flops") if getattr(training, w))
            sheet.point("(e) how the energy of training was obtained", f"by `{method}`")
        sheet.section("Beside the annex: inference, as measured")
        for key in ("energy_it", "energy_facility", "carbon_location", "carbon_embodied"):
            line = subject.impact.line(key)
            sheet.figure(line.title, line.quantity)
        return sheet.export(subject)


def _compute(sheet: Sheet, subject: Subject) -> None:
    training = subject.training
    name = "(d) computational resources used to train"
    if training is None:
        sheet.point(name, None, "give --training")
        return
    if training.flops is not None:
        sheet.figure(f"{name}: operations", training.flop())
    else:
        sheet.point(f"{name}: operations", None, "training was not given by its operations")
    if training.hardware is not None:
        hours = Quantity.exact(_middle(training.hardware.hours), "h")
        devices = Quantity.exact(_middle(training.hardware.devices), "1")
        sheet.point(
            f"{name}: time and devices",
            f"{quantity_text(hours)} on {quantity_text(devices)} devices",
        )
    else:
        sheet.point(f"{name}: training time", None, "training was not given by hours and devices")


def _middle(given: Given) -> float:
    return given.value if isinstance(given, Range) else given
