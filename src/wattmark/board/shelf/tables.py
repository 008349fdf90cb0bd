"""The board's tables, the same on SQLite and PostgreSQL.

A *bundle* is what was submitted, whole; a *result* one measured setup of it; a *standing* the place
of a result in an edition, with its star. Documents are kept as the bytes that were hashed. Times
are ISO 8601 in UTC. ``state`` has one row: writers take it first, so that they follow each other;
its ``version`` grows with every change shown, and readers know by it what they may keep.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from wattmark.rating.rated_row import RatedRow, column_name

#: SQLite gives out row numbers for INTEGER keys only; it holds 64 bits there too.
Number = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

state = Table(
    "board_state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Number, nullable=False),
)

tokens = Table(
    "board_tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("secret_hash", String(200), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("created_at", String(40), nullable=False),
    Column("created_by", String(120), nullable=False),
    Column("expires_at", String(40)),
    Column("revoked_at", String(40)),
)

maintainers = Table(
    "board_maintainers",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("password_hash", String(200), nullable=False),
    Column("created_at", String(40), nullable=False),
    Column("disabled_at", String(40)),
)

sessions = Table(
    "board_sessions",
    metadata,
    Column("id_sha256", String(64), primary_key=True),
    Column("maintainer", String(120), ForeignKey("board_maintainers.name"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", String(40), nullable=False),
    Column("expires_at", String(40), nullable=False),
)

bundles = Table(
    "board_bundles",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("status", String(10), nullable=False, index=True),
    Column("submitted_at", String(40), nullable=False),
    Column("submitted_by", String(120), nullable=False),
    Column("token_id", String(16), ForeignKey("board_tokens.id")),
    Column("run_id", String(200), nullable=False, index=True),
    Column("task", String(120), nullable=False),
    Column("model", String(300), nullable=False),
    Column("results", Integer, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("decided_at", String(40)),
    Column("decided_by", String(120)),
    Column("decision_reason", Text),
)

#: The longest texts of a result's row; a field that is not here holds up to 120 characters.
_MOST_CHARACTERS = {
    "run": 200,
    "measured_at": 40,
    "model": 300,
    "model_digest": 200,
    "model_class": 40,
    "setup": 300,
    "hardware": 300,
    "grade": 20,
    "quality": 200,
    "scale": 40,
    "energy_missing": 40,
}


def name_of(field: str) -> str:
    """The column of ``board_results`` that holds a field of :class:`RatedRow`."""
    own = {"run": "run_id", "model_class": "model_class", "level": "energy_level"}
    return own.get(field, column_name(field))


def _of_rated_rows() -> Iterator[Column[Any]]:
    for name, field in RatedRow.model_fields.items():
        types = get_args(field.annotation) or (field.annotation,)
        kind: Any = String(_MOST_CHARACTERS.get(name, 120))
        if str not in types:
            kind = Double if float in types else Boolean
        yield Column(
            name_of(name),
            kind,
            nullable=type(None) in types,
            index=name == "model" or None,
            server_default="" if name == "scale" else None,
        )


results = Table(
    "board_results",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("bundle", String(64), ForeignKey("board_bundles.digest"), nullable=False, index=True),
    *_of_rated_rows(),
)

editions = Table(
    "board_editions",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("closes", String(10), nullable=False),
    Column("rule", String(40), nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("limits", JSON(none_as_null=True)),
    Column("opened_at", String(40), nullable=False),
    Column("previous", String(20), ForeignKey("board_editions.name")),
    Column("frozen_on", String(10)),
    Column("digest", String(64)),
    Column("document", LargeBinary),
    Column("changes", JSON(none_as_null=True)),
)

#: What is filtered and sorted by is repeated from ``results``, so that one index gives a page.
#: ``energy_order`` is the energy, or 1e300 where it is missing: such results come last.
standings = Table(
    "board_standings",
    metadata,
    Column("edition", String(20), ForeignKey("board_editions.name"), primary_key=True),
    Column("result_id", Number, ForeignKey("board_results.id"), primary_key=True),
    Column("task", String(120), nullable=False),
    Column("model", String(300), nullable=False),
    Column("setup", String(300), nullable=False),
    Column("framework", String(120), nullable=False),
    Column("precision", String(120), nullable=False),
    Column("hardware", String(300), nullable=False),
    Column("grade", String(20), nullable=False),
    Column("population", String(800), nullable=False),
    Column("energy_order", Double, nullable=False),
    Column("quality_order", Double, nullable=False),
    Column("latency_order", Double, nullable=False),
    Column("stars", Integer),
    Column("probability", Double),
    Column("distance_pct", Double),
    Column("unrated_reason", String(40)),
    UniqueConstraint("edition", "task", "model", "setup", "hardware"),
    Index("ix_board_standings_by_energy", "edition", "task", "energy_order", "result_id"),
    Index("ix_board_standings_by_quality", "edition", "task", "quality_order", "result_id"),
    Index("ix_board_standings_by_latency", "edition", "task", "latency_order", "result_id"),
    Index("ix_board_standings_by_model", "model", "edition"),
    Index("ix_board_standings_of_population", "edition", "population"),
)

#: Triggers of the migration refuse UPDATE and DELETE here.
audit = Table(
    "board_audit",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("actor", String(140), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous_sha256", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
)
