"""BoAmps: Boavizta's report of the energy of a task (https://github.com/Boavizta/BoAmps)."""

from __future__ import annotations

import json
from typing import Any

from wattmark.contracts import Exported
from wattmark.errors import ExportError
from wattmark.exports.schema_validation import check_boamps
from wattmark.exports.subject import Omissions, Subject
from wattmark.quantities import Quantity
from wattmark.records.reading import instruments

#: half-width of the interval, as a share of the value -> quality, as BoAmps defines it
_QUALITY = ((0.10, "high"), (0.25, "medium"), (0.50, "low"))
#: word of a task's name -> type of what goes in
_INPUTS = {"image": "image", "object": "image", "speech": "audio"}


class BoAmps:
    """The format ``boamps``."""

    name = "boamps"
    title = "Boavizta's report of the energy of a task"

    def document(self, subject: Subject) -> Exported:
        """The report, checked. Raises ExportError where energy, which it requires, is missing."""
        run, result, open_ = subject.run, subject.result, Omissions()
        energy = subject.measured_kwh()
        if not energy.known:
            raise ExportError(
                "BoAmps requires the energy of the task, which is missing: "
                f"{energy.detail or energy.reason}"
            )
        if run.model.parameters is None:
            open_.add("parametersNumber", "the model does not say how many it has")
        accuracy = _accuracy(subject, open_)
        document: dict[str, Any] = {
            "header": {
                "licensing": "Creative Commons 4.0",
                "reportId": run.id,
                "reportDatetime": run.created_at[:19].replace("T", " "),
                "reportStatus": "draft",
            },
            "task": {
                "taskStage": "inference",
                "taskFamily": run.task.name,
                "nbRequest": subject.queries,
                "algorithms": [_algorithm(subject)],
                "dataset": _data(subject),
                **({} if accuracy is None else {"measuredAccuracy": accuracy}),
            },
            "measures": [
                {
                    "measurementMethod": f"wattmark ({energy.grade or 'ungraded'}: "
                    f"{instruments(result)}); boundary IT: the machines, without PUE",
                    "version": run.environment.wattmark,
                    "powerConsumption": energy.bounds()[1],
                    "measurementDateTime": run.created_at[:19].replace("T", " "),
                }
            ],
            "system": {"os": run.environment.os},
            "software": {"language": "python", "version": run.environment.python},
            "infrastructure": _infrastructure(subject),
        }
        environment = _environment(subject, open_)
        if environment:
            document["environment"] = environment
        if (quality := _quality(energy)) is not None:
            document["quality"] = quality
        else:
            open_.add("quality", "the interval is wider than 50 %, which BoAmps has no word for")
        open_.add("publisher", "who publishes the report is for them to say")
        facts = ". ".join(fact.sentence() for fact in subject.facts())
        document["task"]["taskDescription"] = f"{facts}. Left open: {'; '.join(open_.listed)}"
        checked = check_boamps(document)
        text = json.dumps(document, indent=2, ensure_ascii=False)
        return Exported(text, tuple(open_.listed), checked)


def _algorithm(subject: Subject) -> dict[str, Any]:
    run, setup = subject.run, subject.result.trial.setup
    found: dict[str, Any] = {
        "algorithmName": run.model.name,
        "framework": f"{setup.framework}/{setup.mode}",
        "quantization": str(setup.precision),
    }
    if run.model.parameters is not None:
        found["parametersNumber"] = run.model.parameters / 1e9  # BoAmps counts in billions
    return found


def _data(subject: Subject) -> list[dict[str, Any]]:
    """The queries that the energy is of, which are not all that the task has."""
    task = subject.run.task
    kind = next((v for k, v in _INPUTS.items() if k in task.name), "text")
    kind = "text" if task.name == "image-generation" else kind
    return [{"dataUsage": "input", "dataType": kind, "dataQuantity": subject.queries}]


def _accuracy(subject: Subject, open_: Omissions) -> float | None:
    quality = subject.result.quality
    if quality is None or not quality.value.known:
        open_.add("measuredAccuracy", "quality was not measured")
        return None
    if quality.value.unit not in ("1", "%") or not 0 <= quality.value.to("1").bounds()[1] <= 1:
        open_.add("measuredAccuracy", f"{quality.metric} is no share of right answers")
        return None
    return quality.value.to("1").bounds()[1]


def _infrastructure(subject: Subject) -> dict[str, Any]:
    environment, site = subject.run.environment, subject.site
    parts: list[dict[str, Any]] = [
        {"componentName": environment.cpu_model, "componentType": "cpu", "nbComponent": 1}
    ]
    parts += [
        {"componentName": gpu, "componentType": "gpu", "nbComponent": environment.gpus.count(gpu)}
        for gpu in sorted(set(environment.gpus))
    ]
    if environment.memory_bytes is not None:
        gb = max(1, round(environment.memory_bytes / 1e9))
        parts.append({"componentType": "ram", "nbComponent": 1, "memorySize": gb})
    where = {"infraType": "publicCloud", "cloudProvider": site.provider} if site.provider else {}
    return {"infraType": "other"} | where | {"components": parts}


def _environment(subject: Subject, open_: Omissions) -> dict[str, Any]:
    if subject.place is None:
        open_.add("environment.country", "give --region")
        return {}
    found: dict[str, Any] = {"country": subject.place}
    intensity = open_.value(
        "environment.powerSourceCarbonIntensity", subject.impact.place.carbon.quantity, "g/kWh"
    )
    return found if intensity is None else found | {"powerSourceCarbonIntensity": intensity}


def _quality(energy: Quantity) -> str | None:
    low, value, high = energy.bounds()
    width = max(high - value, value - low) / value if value else float("inf")
    return next((word for limit, word in _QUALITY if width <= limit), None)
