"""Alembic migrations of the store, run by `wattmark.store.database`."""
