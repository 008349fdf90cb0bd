"""Factors: what a kilowatt-hour, a litre, a device or an hour carries, by place, with its source.

Tables of packages that keep them well are read where they lie (``packaged``); what none ships is
in ``tables/``. A new table is a file here that gives :class:`Factor`.
"""

from wattmark.factors.factor import GIVEN, Factor, Source

__all__ = ["GIVEN", "Factor", "Source"]
