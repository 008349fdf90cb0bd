"""Networks in PyTorch that models are made of, and what prepares their inputs.

No weights, no files, no task: a module with its sizes, loaded by a model.
"""
