"""Student's t, without a library that takes a second to import."""

from __future__ import annotations

#: Two-sided 95 % points for 1 to 9 degrees of freedom (any table of it).
T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def t_95(degrees_of_freedom: int) -> float:
    """The two-sided 95 % point; above nine degrees that of nine, which is wider."""
    return T_95[min(degrees_of_freedom, len(T_95)) - 1]
