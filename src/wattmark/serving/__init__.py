"""A small server over a setup: Open Inference Protocol v2, and OpenAI-compatible for text.

One protocol's routes a file, over a loaded setup behind the batcher. It measures nothing: a load is
put to it from outside, as to any server.
"""
