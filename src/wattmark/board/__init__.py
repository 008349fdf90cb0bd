"""The board: a leaderboard of results in dated editions, its pages, its API and its maintainers.

``wattmark board serve`` starts it. What is on it came as bundles, which a maintainer accepted;
what was decided stands in an append-only log.
"""
