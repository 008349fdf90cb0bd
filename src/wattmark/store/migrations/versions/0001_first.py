"""The first schema: runs and, by trial, preparations, executions, rounds and failures.

Revision 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """From an empty database."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(120), primary_key=True),
        sa.Column("schema_version", sa.String(20), nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("task", sa.String(120), nullable=False),
        sa.Column("model", sa.String(120), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("plan", sa.JSON, nullable=False),
        sa.Column("model_info", sa.JSON, nullable=False),
        sa.Column("task_info", sa.JSON, nullable=False),
        sa.Column("environment", sa.JSON, nullable=False),
        sa.Column("document", sa.JSON, nullable=True),
    )
    op.create_index("ix_runs_created_at", "runs", ["created_at"])
    _of_trial("preparations")
    _of_trial("executions")
    _of_trial(
        "rounds",
        sa.Column("execution", sa.Integer, nullable=False),
        sa.Column("index", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("superseded", sa.Boolean, nullable=False),
        sa.UniqueConstraint("run_id", "trial", "execution", "index", "attempt"),
    )
    _of_trial("failures")


def _of_trial(table: str, *further: sa.Column[int] | sa.Column[bool] | sa.Constraint) -> None:
    op.create_table(
        table,
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column(
            "run_id", sa.String(120), sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("trial", sa.String(300), nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
        *further,
    )
    op.create_index(f"ix_{table}_run_id", table, ["run_id"])


def downgrade() -> None:
    """To an empty database."""
    for table in ("failures", "rounds", "executions", "preparations", "runs"):
        op.drop_table(table)
