"""What executes a model: one framework a file, found by entry point ``wattmark.frameworks``.

A framework converts a network into a folder and loads it as a runner. What several share (exports,
buckets, quantisation) has files of its own; ``aten`` is the way from PyTorch to JAX and TensorFlow.
Nothing here knows tasks, pipelines, meters, or what a conversion is measured for.
"""
