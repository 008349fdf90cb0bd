"""What energies of a scale share of their comparable interval: the machine's idle share.

Revision 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Of results that are there already it is not told apart."""
    op.add_column("board_results", sa.Column("energy_wh_idle_effect", sa.Double(), nullable=True))
