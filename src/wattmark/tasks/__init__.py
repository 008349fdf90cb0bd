"""Data set, unit of work and quality metric: one task a file, by entry point ``wattmark.tasks``.

A task draws examples and scores answers; its card lies beside it. Metrics that are too long for
it have files of their own. Public data sets are in ``hub``. Nothing here knows a model.
"""
