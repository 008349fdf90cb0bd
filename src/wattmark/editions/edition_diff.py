"""What changed between two editions, and why each star that changed did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wattmark.editions.edition import Edition, Entry, Star, stars

Why = Literal["correction", "rule", "population"]


@dataclass(frozen=True)
class Changed:
    """An entry whose star changed: a corrected result, another rule, or a changed population."""

    entry: Entry
    before: Star
    after: Star
    why: Why

    def sentence(self) -> str:
        """The change for people."""
        causes = {
            "correction": "its own result was measured anew",
            "rule": "the rule changed",
            "population": "others joined or left its population",
        }
        names = f"{self.entry.task}, {self.entry.model}, {self.entry.setup}"
        return f"{names}: {_told(self.before)} → {_told(self.after)}, since {causes[self.why]}"


@dataclass(frozen=True)
class Diff:
    """Entries that ``joined`` and that ``left``, and stars that ``changed``."""

    joined: tuple[Entry, ...]
    left: tuple[Entry, ...]
    changed: tuple[Changed, ...]


def diff(old: Edition, new: Edition) -> Diff:
    """Two frozen editions compared, entry by entry."""
    before = {e.key: (e, star) for e, star in zip(old.entries, old.stars, strict=True)}
    now = {e.key: (e, star) for e, star in zip(new.entries, new.stars, strict=True)}
    by_new_rule = dict(zip((e.key for e in old.entries), stars(old, new), strict=True))
    changed = []
    for key, (entry, star) in now.items():
        if key not in before or before[key][1].stars == star.stars:
            continue
        was, had = before[key]
        why: Why = "population"
        if was != entry:
            why = "correction"
        elif by_new_rule[key].stars != had.stars:
            why = "rule"
        changed.append(Changed(entry, had, star, why))
    return Diff(
        joined=tuple(e for k, (e, _) in now.items() if k not in before),
        left=tuple(e for k, (e, _) in before.items() if k not in now),
        changed=tuple(changed),
    )


def _told(star: Star) -> str:
    return f"{star.stars}★" if star.stars else f"unrated ({star.unrated_reason})"
