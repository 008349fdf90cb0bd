"""Options that several verbs have, declared once: what measures, for how long, and what is printed;
and those of a load that is put to a server."""

from __future__ import annotations

from typing import Annotated

import typer

Samples = Annotated[int | None, typer.Option(help="How many examples of each task.")]
Meters = Annotated[
    list[str] | None, typer.Option(help="This instrument (repeatable); left out: the best.")
]
WholeNode = Annotated[
    bool, typer.Option("--whole-node", help="Charge every GPU of the machine, used or not.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no table.")]

Url = Annotated[str, typer.Argument(metavar="URL", help="The server, such as http://host:8000.")]
ServerModel = Annotated[str, typer.Option("--model", help="The model, as the server names it.")]
Api = Annotated[str, typer.Option(help="openai, openai-completions, openai-embeddings or oip-v2.")]
Requests = Annotated[int | None, typer.Option(help="How many requests (of each load); 200.")]
Prompts = Annotated[
    str | None, typer.Option(metavar="FILE|task:NAME", help="What is asked; left out: by the API.")
]
PromptSamples = Annotated[
    int | None, typer.Option("--samples", help="How many examples of a task are asked; 100.")
]
MaxTokens = Annotated[int | None, typer.Option(help="The most tokens of an answer.")]
Tokenizer = Annotated[
    str | None,
    typer.Option(metavar="FILE|NAME", help="Counts tokens if the server does not."),
]
KeyVariable = Annotated[
    str | None, typer.Option(metavar="VARIABLE", help="Environment variable with the key.")
]
LoadBudget = Annotated[
    str | None, typer.Option("--budget", help="No more requests after so long, such as 90s.")
]
Timeout = Annotated[str | None, typer.Option(help="A request is given up after it; 600s.")]
Slo = Annotated[str | None, typer.Option(help="Objective, such as ttft_p95<200ms,p99<2s.")]
ServerPid = Annotated[
    int | None,
    typer.Option(metavar="PID", help="The server's process here; left out: the one that listens."),
]
ServerMeters = Annotated[
    list[str] | None,
    typer.Option("--meter", help="An instrument of the server's machine (repeatable)."),
]
