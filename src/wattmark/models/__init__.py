"""Weights with an identity: one packaged model a file, found by entry point ``wattmark.models``.

A file says where the weights come from, how a query becomes inputs and outputs an answer. Models
of the hub or a folder are adapters in ``hub``; modules that several use are in ``networks``,
formats of weights in ``weights``. No framework but PyTorch is known here, and no task's metric.
"""
