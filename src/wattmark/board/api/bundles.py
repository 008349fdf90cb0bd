"""``/bundles``: runs are sent here, and decided on by maintainers."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from wattmark.board.api.callers import TOKEN, bearer_if_any, bearer_of
from wattmark.board.api.errors import refusals
from wattmark.board.api.parameters import Digest
from wattmark.board.intake import submissions
from wattmark.board.intake.bundle import MOST_BYTES, read_bundle
from wattmark.board.intake.plausibility import Finding
from wattmark.board.intake.submissions import Status
from wattmark.board.intake.submissions import Submission as Stored
from wattmark.board.people.tokens import Bearer, Scope
from wattmark.board.web.services import Services
from wattmark.errors import RefusedError
from wattmark.records import Run

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": (
            "The document of a run, as `wattmark report --format json` writes it: see GET "
            f"/schemas/run.json. At most {MOST_BYTES} bytes."
        ),
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}
_LOCATION = {"Location": {"description": "Where it is.", "schema": {"type": "string"}}}


class Submission(BaseModel):
    """A bundle, and what became of it; times are ISO 8601 in UTC."""

    model_config = ConfigDict(from_attributes=True)

    digest: str = Field(description="sha256 of its canonical JSON (RFC 8785).")
    status: Status
    submitted_at: str
    submitted_by: str
    run_id: str
    task: str
    model: str
    results: int = Field(description="How many setups of it gave a result.")
    findings: tuple[Finding, ...] = Field(description="What the maintainer is told of it.")
    decided_at: str | None
    decided_by: str | None
    decision_reason: str | None


class Decision(BaseModel):
    """What a maintainer decides; a rejection has a reason. The log keeps it, for all to read."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["accept", "reject"]
    reason: str = Field(default="", max_length=2000, pattern=r"^[^\x00]*$")


def routes(services: Services) -> APIRouter:
    """The operations on bundles."""
    router = APIRouter(tags=["submissions"])

    @router.post(
        "/bundles",
        operation_id="submitBundle",
        status_code=201,
        openapi_extra=_BODY,
        dependencies=[TOKEN],
        response_model=Submission,
        responses={
            **refusals(400, 401, 403, 409, 413, 415, 422, 429),
            200: {
                "model": Submission,
                "description": "The same bundle is here already.",
                "headers": _LOCATION,
            },
            201: {"description": "Received, and queued for a maintainer.", "headers": _LOCATION},
        },
    )
    async def submit(request: Request, response: Response) -> Submission:
        """Send a run to the board, with a token of scope submit.

        The same bundle may be sent again: it stays one submission.
        """
        bearer = await run_in_threadpool(_sender, services, request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise RefusedError(415, "not_json", "Content-Type: a bundle is application/json")
        body = await request.body()
        found, new = await run_in_threadpool(_received, services, body, bearer)
        response.status_code = 201 if new else 200
        response.headers["Location"] = str(request.url_for("get_bundle", digest=found.digest).path)
        return Submission.model_validate(found)

    @router.get(
        "/bundles/{digest}",
        operation_id="getBundle",
        name="get_bundle",
        responses=refusals(401, 404, 422, 429),
        dependencies=[TOKEN],
        openapi_extra={"security": [{}]},
    )
    def bundle(request: Request, digest: Digest) -> Submission:
        """What became of a bundle.

        An accepted one is public; another one is shown to the token that sent it, and to tokens of
        scope maintain.
        """
        bearer = bearer_if_any(services, request)
        with services.database.reading() as connection:
            found = submissions.find(connection, digest)
        if found is None or not _may_see(found, bearer):
            raise _missing(digest)
        return Submission.model_validate(found)

    @router.get(
        "/bundles/{digest}/document",
        operation_id="getBundleDocument",
        responses=refusals(404, 422),
        response_model=Run,
    )
    def document(digest: Digest) -> Response:
        """An accepted bundle as canonical JSON: its sha256 is the digest."""
        with services.database.reading() as connection:
            found = submissions.find(connection, digest)
            if found is None or found.status is not Status.ACCEPTED:
                raise _missing(digest)
            text = submissions.document_of(connection, digest)
        return Response(text, media_type="application/json")

    @router.post(
        "/bundles/{digest}/decision",
        operation_id="decideBundle",
        responses=refusals(400, 401, 403, 404, 409, 413, 415, 422, 429),
        dependencies=[TOKEN],
    )
    def decide(request: Request, digest: Digest, decision: Decision) -> Submission:
        """Accept or reject a queued bundle, with a token of scope maintain."""
        bearer = bearer_of(services, request)
        services.tokens.require(bearer, Scope.MAINTAIN)
        by = f"token:{bearer.id}"
        with services.database.writing() as connection:
            if decision.decision == "accept":
                submissions.accept(connection, digest, by=by, reason=decision.reason)
            else:
                submissions.reject(connection, digest, by=by, reason=decision.reason)
            found = submissions.find(connection, digest)
        return Submission.model_validate(found)

    return router


def _sender(services: Services, request: Request) -> Bearer:
    bearer = bearer_of(services, request)
    services.tokens.require(bearer, Scope.SUBMIT)
    services.submissions.take(bearer.id)
    return bearer


def _received(services: Services, body: bytes, bearer: Bearer) -> tuple[Stored, bool]:
    """The submission, and whether it is new; one that is there already changes nothing."""
    bundle = read_bundle(body)
    with services.database.reading() as connection:
        known = submissions.find(connection, bundle.digest)
    if known is not None:
        return known, False
    with services.database.writing(shown=False) as connection:
        return submissions.receive(connection, bundle, by=f"token:{bearer.id}", token_id=bearer.id)


def _may_see(found: Stored, bearer: Bearer | None) -> bool:
    if found.status is Status.ACCEPTED:
        return True
    return bearer is not None and (found.token_id == bearer.id or Scope.MAINTAIN in bearer.scopes)


def _missing(digest: str) -> RefusedError:
    return RefusedError(404, "no_bundle", f"there is no bundle {digest} that you may see")
