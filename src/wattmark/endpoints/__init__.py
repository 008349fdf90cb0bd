"""Servers over HTTP: request schedules, what their protocols ask and answer, the load generator.

The generator is an instrument: it stamps times before it parses. One protocol a file. What is made
of the outcomes is the affair of ``results``; meters and stores are wired to it in ``workflows``.
"""
