"""Batching: which queries are answered together, when, and who bears what of the energy.

The same rules serve a server (``serving``), LoadGen's server scenario and simulations. Nothing here
answers a query, reads a clock that it was not given, or knows HTTP.
"""
