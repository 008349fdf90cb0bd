"""The maintainers' room: log in, look at what was submitted, accept or reject it with a reason."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from wattmark.board.intake import submissions
from wattmark.board.intake.submissions import Status
from wattmark.board.pages.queued_rows import shown_rows
from wattmark.board.people import maintainers, sessions
from wattmark.board.people.sessions import Session
from wattmark.board.shelf import audit_log, catalogue, standings, times
from wattmark.board.web.rate_limit import client_key
from wattmark.board.web.rendering import render
from wattmark.board.web.services import Services
from wattmark.errors import RefusedError
from wattmark.rating import DEFAULT_RULE, installed_rules

Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", max_length=64)]
EditionName = Annotated[str, Form(max_length=20)]
Short = Annotated[str, Form(max_length=300)]
Long = Annotated[str, Form(max_length=4000)]
Csrf = Annotated[str, Form(max_length=100)]
_HOME = "/maintain"


class Desk:
    """Who is logged in, by the cookie of a request; every change needs its form's token."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._cookie = "__Host-wattmark" if services.secure else "wattmark"

    def session(self, request: Request) -> Session | None:
        """The session of a request, or None."""
        id_text = request.cookies.get(self._cookie)
        if id_text is None:
            return None
        with self._services.database.reading() as connection:
            return sessions.find(connection, id_text)

    def required(self, request: Request) -> Session:
        """The session of a request. Raises RefusedError (403)."""
        found = self.session(request)
        if found is None:
            raise RefusedError(403, "no_session", "log in as a maintainer first, at /maintain")
        return found

    def changing(self, request: Request, csrf: str) -> Session:
        """The session of a form that changes something. Raises RefusedError (403)."""
        self.same_site(request)
        found = self.required(request)
        if not sessions.csrf_valid(found, csrf):
            raise RefusedError(403, "csrf", "this form is not from your session: load it again")
        return found

    def same_site(self, request: Request) -> None:
        """Refuse a form that a page of somebody else sent. Raises RefusedError (403)."""
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site", "same-origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            site = "cross-site"
        if site not in ("same-origin", "none"):
            raise RefusedError(403, "cross_site", "this form came from another site")

    def log_in(self, made: Session) -> Response:
        """To the first page, with the cookie."""
        response = _to(_HOME)
        response.set_cookie(
            self._cookie,
            made.id,
            max_age=sessions.LIFE_S,
            path="/",
            secure=self._services.secure,
            httponly=True,
            samesite="strict",
        )
        return response

    def log_out(self) -> Response:
        """To the first page, without the cookie."""
        response = _to(_HOME)
        response.delete_cookie(
            self._cookie, path="/", secure=self._services.secure, httponly=True, samesite="strict"
        )
        return response


def routes(services: Services) -> APIRouter:
    """``/maintain`` and what is under it."""
    router = APIRouter(prefix=_HOME)
    desk = Desk(services)

    @router.get("")
    def home(request: Request, status: Status = Status.QUEUED) -> Response:
        session = desk.session(request)
        if session is None:
            return _page("maintain_login.html", said="")
        with services.database.reading() as connection:
            found = submissions.listed(connection, status)
            editions = catalogue.editions(connection)
        return _page(
            "maintain.html",
            session=session,
            submissions=found,
            status=status,
            statuses=list(Status),
            editions=editions,
            next_edition=standings.half_year(times.today()),
            rules=[rule.name for rule in installed_rules()],
            default_rule=DEFAULT_RULE,
        )

    @router.post("/login")
    def log_in(request: Request, name: Short, password: Short) -> Response:
        desk.same_site(request)
        services.logins.take(client_key(request.client.host if request.client else ""))
        with services.database.reading() as connection:
            right = maintainers.check(connection, name, password)
        if not right:
            page = render("maintain_login.html", said="The name or the password is wrong.")
            return HTMLResponse(page, 403, _NO_STORE)
        with services.database.writing(shown=False) as connection:
            made = sessions.start(connection, name)
        return desk.log_in(made)

    @router.post("/logout")
    def log_out(request: Request, csrf: Csrf) -> Response:
        session = desk.changing(request, csrf)
        with services.database.writing(shown=False) as connection:
            sessions.end(connection, session.id)
        return desk.log_out()

    @router.get("/bundles/{digest}")
    def bundle(request: Request, digest: Digest) -> Response:
        session = desk.required(request)
        with services.database.reading() as connection:
            found = submissions.find(connection, digest)
            document = submissions.document_of(connection, digest)
        if found is None or document is None:
            raise RefusedError(404, "no_bundle", f"there is no bundle {digest}")
        rows, unit = shown_rows(document)
        return _page("maintain_bundle.html", session=session, bundle=found, rows=rows, unit=unit)

    @router.post("/bundles/{digest}")
    def decide(
        request: Request, digest: Digest, decision: Short, csrf: Csrf, reason: Long = ""
    ) -> Response:
        by = f"maintainer:{desk.changing(request, csrf).maintainer}"
        with services.database.writing() as connection:
            if decision == "accept":
                submissions.accept(connection, digest, by=by, reason=reason)
            elif decision == "reject":
                submissions.reject(connection, digest, by=by, reason=reason)
            else:
                raise RefusedError(422, "decision", "a decision is accept or reject")
        return _to(_HOME)

    @router.post("/editions/open")
    def open_edition(request: Request, name: EditionName, rule: Short, csrf: Csrf) -> Response:
        by = f"maintainer:{desk.changing(request, csrf).maintainer}"
        with services.database.writing() as connection:
            standings.open_edition(connection, name, rule, by=by)
        return _to(f"/editions/{name}")

    @router.post("/editions/freeze")
    def freeze(request: Request, name: EditionName, csrf: Csrf) -> Response:
        by = f"maintainer:{desk.changing(request, csrf).maintainer}"
        with services.database.writing() as connection:
            standings.freeze(connection, name, times.today(), by=by)
        return _to(f"/editions/{name}")

    @router.get("/log")
    def log(request: Request, after: Annotated[int, Query(ge=0, lt=2**63)] = 0) -> Response:
        session = desk.required(request)
        with services.database.reading() as connection:
            entries = audit_log.entries(connection, after=after, limit=200)
        return _page("maintain_log.html", session=session, entries=entries)

    return router


_NO_STORE = {"Cache-Control": "no-store"}


def _page(template: str, **values: Any) -> Response:
    return HTMLResponse(render(template, **values), headers=_NO_STORE)


def _to(address: str) -> Response:
    return RedirectResponse(address, 303, headers=_NO_STORE)
