"""Where runs are kept: SQLite by SQLAlchemy, raw samples in Parquet.

Rows are written when things happen and never changed; a document of a finished run stands beside
them. Nothing here computes a figure or knows how a run is conducted or shown.
"""

from wattmark.store.recorded import RecordedRun, RunSummary
from wattmark.store.samples import read_samples, write_samples
from wattmark.store.store import Store
from wattmark.store.tables import RunStatus

__all__ = ["RecordedRun", "RunStatus", "RunSummary", "Store", "read_samples", "write_samples"]
