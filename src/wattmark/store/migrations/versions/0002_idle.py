"""Power at idle, beside the rounds.

Revision 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """From 0001."""
    op.create_table(
        "idle",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column(
            "run_id",
            sa.String(120),
            sa.ForeignKey("runs.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("record", sa.JSON, nullable=False),
    )
    op.create_index("ix_idle_run_id", "idle", ["run_id"])


def downgrade() -> None:
    """To 0001."""
    op.drop_table("idle")
