"""Energies that share a scale: their interval for comparisons, and the scale's name.

Revision 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Results that are there already share no scale."""
    for name in ("energy_wh_comparable_low", "energy_wh_comparable_high"):
        op.add_column("board_results", sa.Column(name, sa.Double(), nullable=True))
    scale = sa.Column("energy_wh_scale", sa.String(40), nullable=False, server_default="")
    op.add_column("board_results", scale)
