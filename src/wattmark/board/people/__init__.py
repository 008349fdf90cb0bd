"""Who may do what on the board: maintainers, their sessions, tokens of senders.

Secrets are kept as hashes. Nothing here knows results or HTTP.
"""
