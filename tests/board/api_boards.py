"""Boards as a program sees them: clients of the API, and tokens for it."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from wattmark.board import tokens
from wattmark.board.app import application
from wattmark.board.database import Database
from wattmark.board.services import Services
from wattmark.board.tokens import Scope

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
