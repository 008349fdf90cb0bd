"""Instruments of a whole node that a settings file names: plugs, BMCs, exporters.

One kind of instrument a file (entry point group ``wattmark.meter_kinds``), and what they share:
settings, figures, counting, and the base of those that send by themselves (``pushed``). Nothing
here is found without being named by the user.
"""
