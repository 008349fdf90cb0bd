"""Help that names what is installed: looked up when it is shown, so that starting stays quick."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperOption

#: What stands in an option's help -> the kind whose installed names are put there.
KINDS = {"{rules}": "rule", "{exports}": "export", "{reports}": "report"}


class NamesInstalled(TyperCommand):
    """A command whose options say ``{rules}``, ``{exports}`` or ``{reports}`` in their help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help, with the names of this installation."""
        from wattmark import registry

        for option in self.params:
            if not isinstance(option, TyperOption):
                continue
            for written, kind in KINDS.items():
                if written in (text := option.help or ""):
                    option.help = text.replace(written, ", ".join(registry.names(kind)))
        super().format_help(ctx, formatter)
