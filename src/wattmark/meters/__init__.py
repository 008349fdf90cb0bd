"""Instruments that read energy: one meter a file, found by entry point ``wattmark.meters``.

A file says how one instrument is opened, read and closed, and what its readings mean in joules by
``metrology``. Choosing, sharing, windows and idle are the affair of ``metering``; instruments that
a settings file names are in ``node``, models of energy in ``modelled``.
"""
