"""How a query is answered with a model's networks: the same code over every framework.

One way of answering a file: once, token after token, step after step. A pipeline calls runners and
marks phases; it knows no framework, no task, no clock and no meter.
"""

from wattmark.pipelines.forward import Forward

__all__ = ["Forward"]
