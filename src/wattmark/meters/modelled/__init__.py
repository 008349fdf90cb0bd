"""Energy that is modelled from the CPU time or memory traffic that the kernel counts.

Here live the modelled meters and the power model of a processor with its table and calibration.
What is read from the machine comes from ``machine``; no sensor is read here.
"""
