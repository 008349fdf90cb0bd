"""How queries arrive, under MLPerf's names: one scenario a file, by entry point.

Beside them what drives MLPerf's LoadGen and reads its logs. A scenario calls what answers a query
and notes times; it knows neither models nor meters nor where the answers go.
"""
