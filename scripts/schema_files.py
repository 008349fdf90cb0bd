"""The JSON Schemas of what Wattmark reads (a plan) and writes (run, result, round).

The files in the repository's ``schema`` folder are generated:
``python scripts/schema_files.py schema`` writes them anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from wattmark.planning.plans import plan_schema
from wattmark.records import EndpointRun, Record, Result, Round, Run


def schemas() -> dict[str, dict[str, Any]]:
    """File name -> JSON Schema."""
    written: tuple[type[Record], ...] = (Run, Result, Round, EndpointRun)
    return {"plan.schema.json": plan_schema()} | {
        f"{kind.__name__.lower()}.schema.json": {
            "$schema": GenerateJsonSchema.schema_dialect,
            **kind.model_json_schema(mode="serialization"),
        }
        for kind in written
    }


def write_schemas(folder: Path) -> None:
    """Write every schema into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / name).write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
