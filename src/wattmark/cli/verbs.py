"""The verbs of ``wattmark``: where each lives, and what the list of them says.

A verb's file is imported when the verb is asked for, so that ``wattmark --help`` and the help of
one verb wait for no other.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from wattmark.cli.checked_command import CheckedCommand


class Verb(NamedTuple):
    """``attribute`` of a module of :mod:`wattmark.cli`: a function, or an app of further verbs.

    ``for_servers`` names the verb that reads the line in its place where ``--endpoint`` is given:
    the module and the function in it have that one name.
    """

    module: str
    attribute: str
    help: str
    for_servers: str = ""


VERBS = {
    "run": Verb(
        "run",
        "run",
        "Run a plan and compare its setups, or the plans of a suite one after another.",
        for_servers="loadtest",
    ),
    "loadtest": Verb(
        "loadtest",
        "loadtest",
        "Load a server: latency, first token, throughput, goodput, and energy where it is metered.",
    ),
    "list": Verb(
        "listing",
        "list_",
        "List what is installed, public data sets, or stored runs.",
    ),
    "show": Verb(
        "show", "show", "Show a run's table and conclusions, or the card of a task or a model."
    ),
    "sweep": Verb(
        "sweep",
        "sweep",
        "Widen the batch of every setup until it no longer pays, and say where to stop.",
        for_servers="sweep_endpoint",
    ),
    "serve": Verb(
        "serve",
        "serve",
        "Serve a model by the Open Inference Protocol v2 and, for text, an OpenAI-compatible API.",
    ),
    "advise": Verb(
        "advise",
        "advise",
        "Say which setup to use for a goal, and where a lower precision pays.",
    ),
    "impact": Verb(
        "impact",
        "impact",
        "Carbon, water, minerals, embodied impact and money of a result, in a place.",
    ),
    "lifetime": Verb(
        "lifetime",
        "lifetime",
        "Totals and shares of training and inference, and after how many queries one pays.",
    ),
    "export": Verb(
        "export",
        "export",
        "Write a result in a format of others; what is not known is listed as left open.",
    ),
    "rate": Verb(
        "rate",
        "rate",
        "Give stars within each population, with how sure they are; columns and rows stay.",
    ),
    "label": Verb("label", "label", "Draw the label of a rated result."),
    "pareto": Verb(
        "pareto",
        "pareto",
        "Print who is on the front of quality against cost, how surely, and the hypervolume.",
    ),
    "overview": Verb(
        "overview",
        "overview",
        "Print a Markdown table of tasks and setups with quality and energy.",
    ),
    "report": Verb("report", "report", "Print or write a report of a run of any kind."),
    "doctor": Verb(
        "doctor",
        "doctor",
        "List instruments and frameworks: what is here, what is missing, and the cure.",
    ),
    "plan": Verb("plan", "app", "Check a plan, or print the schema of plans."),
    "edition": Verb("edition", "app", "Dated editions of the ratings, frozen under a hash."),
    "board": Verb("board", "app", "A leaderboard of results in editions."),
    "meter": Verb("meter", "app", "Watch, record, replay, calibrate and validate meters."),
}


class Verbs(TyperGroup):
    """The group of all verbs; it imports the one that is asked for."""

    def get_help_option(self, ctx: Any) -> Any:
        """``--help`` with a default that the library takes as it is, without loading pydantic."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.default = False
        return option

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all verbs, in the order of the help."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The verb, imported now; None where there is none of that name."""
        if cmd_name in VERBS and cmd_name not in self.commands:
            self.commands[cmd_name] = _command(cmd_name, VERBS[cmd_name])
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that is asked for; a wrong name comes with the nearest ones."""
        from difflib import get_close_matches

        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = " or ".join(map(repr, get_close_matches(args[0], VERBS)))
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {near}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list in the help, without importing a verb."""
        width = formatter.width - 6 - max(map(len, VERBS))
        rows = [
            (name, TyperCommand(name, help=verb.help).get_short_help_str(width))
            for name, verb in VERBS.items()
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _command(name: str, verb: Verb) -> Any:
    from typer.main import get_group

    found = getattr(import_module(f"wattmark.cli.{verb.module}"), verb.attribute)
    holder = typer.Typer(add_completion=False, rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name, cls=_class_of(verb))(found)
    _check_values(holder)
    return get_group(holder).commands[name]


def _class_of(verb: Verb) -> type[TyperCommand]:
    if not verb.for_servers:
        return CheckedCommand
    from wattmark.cli.endpoint_option import with_endpoint

    module = import_module(f"wattmark.cli.{verb.for_servers}")
    return with_endpoint(getattr(module, verb.for_servers))


def _check_values(app: typer.Typer) -> None:
    for command in app.registered_commands:
        if command.cls is None or not issubclass(command.cls, CheckedCommand):
            command.cls = CheckedCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _check_values(group.typer_instance)
