"""How results come to the board: bundles, whether they are plausible, decisions on them.

Nothing here knows HTTP (``api``, ``pages``) or renders; what is accepted goes to ``shelf``.
"""
