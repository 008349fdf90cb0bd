"""``wattmark serve``: a small server over a setup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattmark.records import Setup


def serve(
    model: Annotated[str, typer.Argument(help="See `wattmark list models`.")],
    framework: Annotated[
        str,
        typer.Option(metavar="SETUP", help="framework/mode/precision, as in a plan."),
    ] = "pytorch/eager/fp32",
    policy: Annotated[
        str | None,
        typer.Option(help="dynamic:max_batch=8,max_wait_ms=2 or static:batch=8; none: one by one."),
    ] = None,
    task: Annotated[str | None, typer.Option(help="Of a model from the hub or a folder.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8000,
    max_queue: Annotated[
        int, typer.Option(min=1, help="So many queries may wait; more get status 503.")
    ] = 1000,
) -> None:
    """Serve a model by the Open Inference Protocol v2 and, for text, an OpenAI-compatible API.

    Ctrl-C ends it.
    """
    from wattmark.batching.policy import BatchingPolicy, parse_policy
    from wattmark.errors import InputError, MissingPackageError

    try:
        from wattmark.serving.app import application, listen
        from wattmark.serving.app import serve as run
    except ImportError as error:
        raise MissingPackageError(
            f"serving needs the package {error.name!r}: pip install 'wattmark[serve]'"
        ) from None
    from wattmark.serving.loaded import LoadedModel

    wanted = parse_policy(policy) if policy else BatchingPolicy(kind="static", max_batch=1)
    if wanted.buckets or wanted.sizes:
        raise InputError("buckets and sizes are the model's own here: leave them out of --policy")
    setup = _setup(framework)
    if setup.batch != 1 or setup.max_wait_ms is not None:
        raise InputError(f"the batch is said by --policy: leave it out of {framework!r}")
    listening = listen(host, port)
    typer.echo(f"Preparing {model} in {setup.label}", err=True)
    loaded = LoadedModel(model, task, setup.model_copy(update={"batch": wanted.max_batch}))
    url = f"http://{host}:{listening.getsockname()[1]}"

    def told() -> None:
        typer.echo(f"Serving {model} in {setup.label}, {wanted}, at {url}")

    run(application(loaded, wanted, max_queue=max_queue, listening=told), listening)


def _setup(text: str) -> Setup:
    """The setup of that label. Raises InputError."""
    from pydantic import ValidationError

    from wattmark.errors import InputError
    from wattmark.records import Setup, parse_setup, problems_text

    try:
        return Setup.model_validate(parse_setup(text))
    except ValidationError as error:
        raise InputError(f"setup {text!r}: {problems_text(error)}") from None
    except ValueError as error:
        raise InputError(str(error)) from None
