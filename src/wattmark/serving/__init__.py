"""A small server over a setup: Open Inference Protocol v2, and OpenAI-compatible for text."""
