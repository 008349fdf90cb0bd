"""Rating rules, one a file: code with a name and a version, whose text is generated from the code.

A rule is a class that its entry point in the group ``wattmark.rules`` names; what it must offer is
:class:`wattmark.contracts.Rule`. Everybody who rates asks the rule, and nobody asks its name.
"""

from __future__ import annotations

from wattmark import registry
from wattmark.contracts import LimitedRule, Rule

#: The rule where nobody asks for another.
DEFAULT_RULE = "quintile"
#: Fewer rated entries than stars cannot fill them.
MIN_POPULATION = 5


def find_rule(name: str) -> Rule:
    """The installed rule of that name. Raises UnknownNameError."""
    return registry.rule(name)


def installed_rules() -> tuple[Rule, ...]:
    """All installed rules, the default first, then by name."""
    names = sorted(registry.names("rule"), key=lambda name: (name != DEFAULT_RULE, name))
    return tuple(map(registry.rule, names))


def needs_limits(name: str) -> bool:
    """Whether the rule of that name has limits for each population. Raises UnknownNameError."""
    return isinstance(find_rule(name), LimitedRule)
