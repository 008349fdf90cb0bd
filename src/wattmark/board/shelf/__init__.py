"""What the board keeps and what is read back of it: database, standings, catalogue, log.

The only place with tables and SQL of results. Nothing here knows HTTP or a template.
"""
