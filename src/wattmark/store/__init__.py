"""Where runs are kept: SQLite by SQLAlchemy, raw samples in Parquet."""
