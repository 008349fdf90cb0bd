"""What a run looks like to a reader: tables, conclusions, charts, and the formats that hold them.

What a figure *is* (sum over domains, interval, grade) is read from ``records``; here it gets words,
digits and a place. Nothing here computes a statistic, stores, or talks to a terminal.
"""
