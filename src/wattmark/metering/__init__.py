"""Measuring with instruments: chosen, opened, read at both ends of a window, at idle, recorded.

Here lives what is common to all instruments: selection, settings, the window between two readings
(``readings``), replay, calibration. An instrument itself is a file in ``meters``; what readings
mean is said in ``metrology``.
"""
