"""SPDX 3.0.1, AI profile: an AI package with its energy consumption, through SPDX's own bindings.

The bindings refuse what the profile's shapes refuse; the document is read back before it is given
out.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from wattmark.contracts import Exported
from wattmark.errors import ExportError, MissingPackageError
from wattmark.exports.subject import Omissions, Subject
from wattmark.quantities import Quantity

_NAMESPACE = "urn:wattmark:"


class Spdx:
    """The format ``spdx``."""

    name = "spdx"
    title = "SPDX 3.0.1, AI profile"

    def document(self, subject: Subject) -> Exported:
        """The document as JSON-LD. Raises ExportError, MissingPackageError without the bindings."""
        try:
            from spdx_python_model import v3_0_1 as spdx
        except ImportError:
            raise MissingPackageError(
                "spdx-python-model is not installed, and SPDX is written with it: "
                "pip install 'wattmark[impact]'"
            ) from None
        run, open_ = subject.run, Omissions()
        space = f"{_NAMESPACE}{run.id}:"
        creator = spdx.SoftwareAgent(
            _id=f"{space}wattmark", name=f"wattmark {run.environment.wattmark}"
        )
        made = spdx.CreationInfo(
            _id="_:creation",
            specVersion="3.0.1",
            created=datetime.fromisoformat(run.created_at).astimezone(UTC).replace(microsecond=0),
            createdBy=[creator],
        )
        creator.creationInfo = made
        package = spdx.ai_AIPackage(
            _id=f"{space}model",
            creationInfo=made,
            name=run.model.name,
            software_primaryPurpose=spdx.software_SoftwarePurpose.model,
            ai_typeOfModel=[run.task.name],
            ai_energyConsumption=_energy(spdx, subject, open_),
            ai_metric=_metrics(spdx, subject),
        )
        for field in (
            "suppliedBy",
            "releaseTime",
            "downloadLocation",
            "ai_informationAboutTraining",
        ):
            open_.add(field, "a measurement does not know it")
        facts = ". ".join(fact.sentence() for fact in subject.facts())
        left = f"Left open: {'; '.join(open_.listed)}"
        package.comment = f"{facts}. {left}" if facts else left
        found = spdx.SHACLObjectSet()
        for thing in (made, creator, package):
            found.add(thing)
        text = _written(spdx, found)
        return Exported(text, tuple(open_.listed), "SPDX 3.0.1 model bindings (read back)")


def _energy(spdx: Any, subject: Subject, open_: Omissions) -> Any:
    def described(name: str, energy: Quantity) -> list[Any]:
        kwh = open_.value(name, energy, "kWh")
        if kwh is None:
            return []
        return [
            spdx.ai_EnergyConsumptionDescription(
                ai_energyQuantity=kwh, ai_energyUnit=spdx.ai_EnergyUnitType.kilowattHour
            )
        ]

    return spdx.ai_EnergyConsumption(
        ai_inferenceEnergyConsumption=described(
            "ai_inferenceEnergyConsumption", subject.facility_kwh()
        ),
        ai_trainingEnergyConsumption=described(
            "ai_trainingEnergyConsumption", subject.training_kwh()
        ),
    )


def _metrics(spdx: Any, subject: Subject) -> list[Any]:
    entries = {"queries measured": str(subject.queries), "setup": subject.result.id}
    quality = subject.result.quality
    if quality is not None and quality.value.known:
        entries[quality.metric] = f"{quality.value.bounds()[1]:g} {quality.value.unit}"
    return [spdx.DictionaryEntry(key=key, value=value) for key, value in entries.items()]


def _written(spdx: Any, found: Any) -> str:
    stream = io.BytesIO()
    try:
        spdx.JSONLDSerializer().write(found, stream, indent=2)
        stream.seek(0)
        spdx.JSONLDDeserializer().read(stream, spdx.SHACLObjectSet())
    except (TypeError, ValueError, AttributeError) as error:
        raise ExportError(f"SPDX: {error}") from error
    return stream.getvalue().decode("utf-8")
