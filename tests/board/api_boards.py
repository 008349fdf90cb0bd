"""Boards as a program sees them: clients of the API, and tokens for it."""

from __future__ import annotations

from contextvars import ContextVar
from functools import cache
from typing import Any, cast

from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from wattmark.board.people import tokens
from wattmark.board.people.tokens import Scope
from wattmark.board.shelf.database import Database
from wattmark.board.web.app import application
from wattmark.board.web.services import Services

API = "/api/v1"
JSON = {"Content-Type": "application/json"}
ADDRESS = "https://board.example"
_LIMITS = ("submissions", "failures", "logins")


def client_of(database: Database, address: str = ADDRESS, **options: Any) -> TestClient:
    """A client of the board at an address; its errors are answers, or fail the test.

    ``options`` are limits of the services, or options of the client.
    """
    limits = {name: options.pop(name) for name in _LIMITS if name in options}
    asgi = _Board(Services(database, address, **limits))
    return TestClient(asgi, base_url=address, **options)


class _Board:
    """The application over services of its own; what FastAPI makes of the routes is made once."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        _asked.set(self._services)
        await _application(self._services.secure)(scope, receive, send)


class _Asked:
    """The services of the board that is asked; the routes of all boards are made with this."""

    def __init__(self, secure: bool) -> None:
        self.secure = secure

    def __getattr__(self, name: str) -> Any:
        return getattr(_asked.get(), name)


_asked: ContextVar[Services] = ContextVar("asked")


@cache
def _application(secure: bool) -> FastAPI:
    return application(cast(Services, _Asked(secure)))


def headers_of(database: Database, *scopes: Scope, name: str = "lab") -> dict[str, str]:
    """The header with a new token."""
    with database.writing() as connection:
        token = tokens.create(connection, name, scopes, by="test")
    return {"Authorization": f"Bearer {token}"}


def get(client: TestClient, path: str, status: int = 200, **query: Any) -> Any:
    """The JSON at a path of the API."""
    response = client.get(API + path, params=query)
    assert response.status_code == status, response.text
    return response.json()
