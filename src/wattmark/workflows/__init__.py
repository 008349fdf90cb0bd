"""What a user asks for as a whole: a run, a load of a server, a sweep, a place, a diagnosis.

One use case a file: it wires planning, conduct, results, store and reports together, which do not
know each other. No arithmetic of its own, and nothing that talks to a terminal.
"""
