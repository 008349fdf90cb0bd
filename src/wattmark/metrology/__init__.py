"""The science of windows: what readings of counters and sensors say of energy. Pure functions.

Counters that wrap, sensors that lag, idle power, models of a processor's power, recordings and
their simulation. No file, clock or instrument: readings come in, quantities go out.
"""
