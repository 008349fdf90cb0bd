"""The science of windows: what readings of counters and sensors say of energy. Pure functions.

Counters that wrap, sensors that lag, idle power, models of a processor's power, recordings and
their simulation. No file, clock or instrument: readings come in, quantities go out.
"""

from wattmark.metrology.counters import (
    Accuracy,
    counted_energy,
    elapsed_s,
    window_without_idle,
)

__all__ = ["Accuracy", "counted_energy", "elapsed_s", "window_without_idle"]
