"""Alembic migrations of the board, run by `wattmark.store.database`."""
