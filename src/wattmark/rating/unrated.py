"""Why a result has no star: a code for machines with a sentence for people."""

from __future__ import annotations

from wattmark.errors import SentenceCode


class Unrated(SentenceCode):
    """Why a result is listed and not rated; where several apply, the first of these."""

    NO_ENERGY = "no_energy", "Its energy is missing, or not above 0."
    NO_USABLE_INTERVAL = (
        "no_usable_interval",
        "Its energy's interval reaches down to 0, leaves its value out or has no level, so that "
        "nothing can be said of how sure a star is.",
    )
    TOO_WEAK_FOR_THE_TASK = (
        "too_weak_for_the_task",
        "The reference is no better than chance at the task, so that quality says nothing.",
    )
    QUALITY_GATE = "quality_gate", "It missed the task's quality gate."
    HARDWARE_DIFFERS = (
        "hardware_differs",
        "It ran on other hardware than most of its population.",
    )
    GRADE_DIFFERS = (
        "grade_differs",
        "Its energy was obtained in another way (grade) than that of most of its population.",
    )
    POPULATION_TOO_SMALL = (
        "population_too_small",
        "Too few results of its population can be rated to fill five stars.",
    )
    NO_LIMITS = "no_limits", "The file of limits has none for its population."
