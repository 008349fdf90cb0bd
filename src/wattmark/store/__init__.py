"""Where runs are kept: SQLite by SQLAlchemy, raw samples in Parquet."""

from wattmark.store.recorded import RecordedRun, RunSummary
from wattmark.store.samples import read_samples, write_samples
from wattmark.store.store import Store
from wattmark.store.tables import RunStatus

__all__ = ["RecordedRun", "RunStatus", "RunSummary", "Store", "read_samples", "write_samples"]
