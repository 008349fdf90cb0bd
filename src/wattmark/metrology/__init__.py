"""The science of windows: what readings of counters and sensors say of energy. Pure functions."""
