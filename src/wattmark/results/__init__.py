"""From recorded rounds to what a result states: latency, energy, quality, with intervals.

Here lives the arithmetic between ``statistics`` and the records, one kind of figure a file.
Nothing here measures, reads an instrument or formats for a reader.
"""
