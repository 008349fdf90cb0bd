"""Batching: which queries are answered together, when, and who bears what of the energy."""
