"""How a trial is conducted: workers, rounds, warm-up, stopping rule, statistics."""
