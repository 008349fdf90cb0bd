"""Formats in which others ship weights: read, checked, turned into tensors by name.

One format a file. Nothing here knows a network or a task.
"""
