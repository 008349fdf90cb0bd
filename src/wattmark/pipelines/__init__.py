"""How a query is answered with a model's networks: the same code over every framework."""
