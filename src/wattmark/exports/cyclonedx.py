"""CycloneDX 1.6 ML-BOM: the model as a component, with its environmental considerations."""

from __future__ import annotations

import json
from typing import Any

from wattmark.contracts import Exported
from wattmark.exports.facts import Fact
from wattmark.exports.schema_validation import check_cyclonedx
from wattmark.exports.subject import Omissions, Subject
from wattmark.quantities import Quantity


class CycloneDx:
    """The format ``cyclonedx``."""

    name = "cyclonedx"
    title = "CycloneDX 1.6 ML-BOM, a bill of materials (OWASP)"

    def document(self, subject: Subject) -> Exported:
        """The bill of materials, checked against the schema. Raises ExportError."""
        run, open_ = subject.run, Omissions()
        facts = {fact.key: fact for fact in subject.facts()}
        consumptions = [
            found
            for activity, energy, carbon, key in (
                (
                    "inference",
                    subject.facility_kwh(),
                    subject.inference_kg(),
                    "inference_facility",
                ),
                ("training", subject.training_kwh(), subject.training_kg(), "training_energy"),
            )
            if (found := _consumption(activity, energy, carbon, facts.get(key), open_)) is not None
        ]
        card: dict[str, Any] = {
            "modelParameters": {"task": run.task.name},
            "quantitativeAnalysis": {"performanceMetrics": _metrics(subject)},
        }
        open_.add("energyProviders", "who supplied the electricity, and from what, is not known")
        card["considerations"] = {
            "environmentalConsiderations": {"energyConsumptions": consumptions}
        }
        card["properties"] = [
            {"name": "wattmark:queries", "value": str(subject.queries)},
            {"name": "wattmark:setup", "value": subject.result.id},
            *({"name": "wattmark:fact", "value": fact.sentence()} for fact in facts.values()),
            *({"name": "wattmark:omission", "value": text} for text in open_.listed),
        ]
        document = {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {
                "timestamp": run.created_at,
                "tools": {
                    "components": [
                        {
                            "type": "application",
                            "name": "wattmark",
                            "version": run.environment.wattmark,
                        }
                    ]
                },
            },
            "components": [
                {
                    "type": "machine-learning-model",
                    "name": run.model.name,
                    "licenses": [{"license": {"name": run.model.licence}}],
                    "modelCard": card,
                }
            ],
        }
        checked = check_cyclonedx(document)
        text = json.dumps(document, indent=2, ensure_ascii=False)
        return Exported(text, tuple(open_.listed), checked)


def _consumption(
    activity: str, energy: Quantity, carbon: Quantity, fact: Fact | None, open_: Omissions
) -> dict[str, Any] | None:
    kwh = open_.value(f"{activity}: activityEnergyCost", energy, "kWh")
    if kwh is None or fact is None:
        return None
    measure = {"value": kwh, "unit": "kWh"}
    found: dict[str, Any] = {
        "activity": activity,
        "energyProviders": [
            {
                "organization": {"name": "unknown"},
                "energySource": "unknown",
                "energyProvided": measure,
            }
        ],
        "activityEnergyCost": measure,
    }
    tonnes = open_.value(f"{activity}: co2CostEquivalent", carbon, "t")
    if tonnes is not None:
        found["co2CostEquivalent"] = {"value": tonnes, "unit": "tCO2eq"}
    low, _, high = energy.to("kWh").bounds()
    found["properties"] = [
        {"name": "wattmark:grade", "value": str(energy.grade or "given")},
        {"name": "wattmark:interval_kwh", "value": f"[{low:g}, {high:g}]"},
        {"name": "wattmark:boundary", "value": fact.boundary},
        {"name": "wattmark:place", "value": fact.place},
        {"name": "wattmark:scope", "value": fact.scope},
    ]
    return found


def _metrics(subject: Subject) -> list[dict[str, Any]]:
    quality = subject.result.quality
    figures = {"energy per query, Wh (machines)": subject.energy_it}
    if quality is not None:
        figures[quality.metric] = quality.value
    metrics = []
    for name, quantity in figures.items():
        if quantity.known:
            low, value, high = quantity.bounds()
            bounds = {"lowerBound": f"{low:g}", "upperBound": f"{high:g}"}
            metrics.append({"type": name, "value": f"{value:g}", "confidenceInterval": bounds})
    return metrics
