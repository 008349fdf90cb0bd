"""``/export``: all results of an edition as one file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import IO, Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from wattmark.board.api.errors import refusals
from wattmark.board.api.parameters import EditionNamed, TaskAsked, edition_asked
from wattmark.board.shelf import tables_out
from wattmark.board.shelf.tables_out import Form
from wattmark.board.web.services import Services
from wattmark.errors import RefusedError

_MEDIA = {
    Form.PARQUET: "application/vnd.apache.parquet",
    Form.JSON: "application/json",
    Form.CSV: "text/csv; charset=utf-8",
}
_SCHEMAS: dict[Form, dict[str, Any]] = {
    Form.PARQUET: {"type": "string", "contentMediaType": _MEDIA[Form.PARQUET]},
    Form.JSON: {"type": "array", "items": {"type": "object"}},
    Form.CSV: {"type": "string"},
}
_CHUNK_BYTES = 2**18
#: Exports that are made at once by one worker process; each keeps a connection and a core busy.
_AT_A_TIME = BoundedSemaphore(2)


def routes(services: Services) -> APIRouter:
    """An operation for each form."""
    router = APIRouter(tags=["results"])
    for form in Form:
        _add(router, services, form)
    return router


def _add(router: APIRouter, services: Services, form: Form) -> None:
    media = _MEDIA[form].partition(";")[0]

    def export(edition: EditionNamed, task: TaskAsked = None) -> StreamingResponse:
        with services.database.reading() as connection:
            edition_asked(connection, edition)
            file = _written(connection, edition, form, task)
        size = os.fstat(file.fileno()).st_size
        headers = {
            "Content-Length": str(size),
            "Content-Disposition": f'attachment; filename="{edition}.{form}"',
        }
        return StreamingResponse(_chunks(file), media_type=_MEDIA[form], headers=headers)

    router.add_api_route(
        f"/export/{{edition}}.{form}",
        export,
        methods=["GET"],
        operation_id=f"export{form.capitalize()}",
        response_class=StreamingResponse,
        summary=f"All results of an edition as {form}",
        description=tables_out.__doc__,
        responses={
            200: {"content": {media: {"schema": _SCHEMAS[form]}}},
            **refusals(404, 422, 429),
        },
    )


def _written(connection: Any, edition: str, form: Form, task: str | None) -> IO[bytes]:
    """The export in a file without a name, which is gone when it is closed."""
    if not _AT_A_TIME.acquire(blocking=False):
        raise RefusedError(
            429, "busy", "others are exporting now: try again in 5 s", retry_after_s=5
        )
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed when it has been sent
        tables_out.write(connection, edition, file, form, task=task)
        file.seek(0)
        return file
    finally:
        _AT_A_TIME.release()


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
