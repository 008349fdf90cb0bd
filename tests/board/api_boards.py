"""Boards as a program sees them: clients of the API, and tokens for it."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from wattmark.board.people import tokens
from wattmark.board.people.tokens import Scope
from wattmark.board.shelf.database import Database
from wattmark.board.web.app import application
from wattmark.board.web.services import Services

API = "/api/v1"
JSON = {"Content-Type": "application/json"}
ADDRESS = "https://board.example"


def client_of(database: Database, **limits: Any) -> TestClient:
    """A client of the board's application; its errors are answers, or fail the test."""
    app = application(Services(database, ADDRESS, **limits))
    return TestClient(app, base_url=ADDRESS)


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
