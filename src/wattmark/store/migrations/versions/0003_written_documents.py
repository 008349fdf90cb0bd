"""The sha256 of a run's document, which is kept as the bytes that it is of.

Documents from before are JSON in another form, and have none.

Revision 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; it is empty for the runs that are there."""
    op.add_column("runs", sa.Column("document_sha256", sa.String(64), nullable=True))
