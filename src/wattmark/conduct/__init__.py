"""How trials are conducted: processes, turns, rounds, and when it is enough.

Here live the conductor, its sessions with workers, the schedule, interruption and what it records.
Nothing here turns rounds into figures (``results``) or writes to a disk (``store`` does).
"""
