"""What this machine can measure and run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wattmark import registry

if TYPE_CHECKING:
    from wattmark.metering.selection import SurveyedMeter


def diagnose() -> dict[str, list[dict[str, Any]]]:
    """What this machine can measure and run: meters and frameworks, with cures.

    Every meter has the same fields; those that only a usable one has are None for the others.
    ``detail`` says what a usable one is, and what is wrong with another and how to mend it.
    """
    from wattmark.metering.selection import survey

    return {"meters": [_meter(found) for found in survey()], "frameworks": _frameworks()}


def _meter(found: SurveyedMeter) -> dict[str, Any]:
    info, state = found.info, found.availability
    grade = info.grade if info is not None else found.grade
    return {
        "name": found.name,
        "available": state.available,
        "domains": list(info.domains) if info is not None else None,
        "grade": grade.value if grade is not None else None,
        "scope": info.scope.value if info is not None else None,
        "by_name_only": info.by_name_only if info is not None else None,
        "update_period_s": info.update_period_s if info is not None else None,
        "read_cost_s": found.read_cost_s,
        "reason": state.reason.value if state.reason is not None else None,
        "detail": (info.detail if info is not None else "") or state.detail,
    }


def _frameworks() -> list[dict[str, Any]]:
    from wattmark.errors import MissingPackageError
    from wattmark.worker.artefacts import package_versions

    rows: list[dict[str, Any]] = []
    for name in registry.names("framework"):
        framework = registry.framework(name)
        try:
            versions = package_versions(framework)
            detail = ", ".join(f"{k} {v}" for k, v in versions.items())
            rows.append({"name": name, "available": True, "detail": detail})
        except MissingPackageError as error:
            rows.append({"name": name, "available": False, "detail": str(error)})
    return rows
