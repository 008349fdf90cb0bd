"""What this machine can measure and run."""

from __future__ import annotations

from typing import Any

from wattmark import registry


def diagnose() -> dict[str, list[dict[str, Any]]]:
    """What this machine can measure and run: meters and frameworks, with cures."""
    from wattmark.errors import MissingPackageError
    from wattmark.meters.selection import survey
    from wattmark.protocol.artefacts import package_versions

    frameworks: list[dict[str, Any]] = []
    for name in registry.names("framework"):
        framework = registry.framework(name)
        try:
            versions = package_versions(framework)
            detail = ", ".join(f"{k} {v}" for k, v in versions.items())
            frameworks.append({"name": name, "available": True, "detail": detail})
        except MissingPackageError as error:
            frameworks.append({"name": name, "available": False, "detail": str(error)})
    meters: list[dict[str, Any]] = []
    for found in survey():
        row: dict[str, Any] = {
            "name": found.name,
            "available": found.availability.available,
            "grade": found.grade,
            "reason": found.availability.reason,
            "detail": found.availability.detail,
        }
        if found.info is not None and found.read_cost_s is not None:
            row |= {
                "domains": found.info.domains,
                "update_period_s": found.info.update_period_s,
                "read_cost_s": found.read_cost_s,
                "detail": f"{found.info.grade}, {', '.join(found.info.domains)}, "
                f"{1e6 * found.read_cost_s:.0f} µs a read. {found.info.detail}",
            }
        meters.append(row)
    return {"meters": meters, "frameworks": frameworks}
