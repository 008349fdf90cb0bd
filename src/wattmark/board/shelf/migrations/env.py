"""Alembic's entry: upgrades on the connection, and in the transaction, that the board opened."""

from __future__ import annotations

from alembic import context

from wattmark.board.shelf.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.attributes["version_table"],
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
