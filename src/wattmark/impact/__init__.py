"""Impact: from joules to carbon, water, minerals, embodied impact and money, with intervals.

Pure functions over quantities; what is looked up or read comes in as an argument. ``steps`` has
one formula a function; ``assess`` puts them together for a use at a place.
"""

from wattmark.impact.assess import Impact, Line, Use, assess
from wattmark.impact.place import Place, Placed

__all__ = ["Impact", "Line", "Place", "Placed", "Use", "assess"]
