"""``wattmark run``: run a plan (the quickstart if none is named) or a suite of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattmark.cli.durations import parse_duration_s
from wattmark.cli.exit_codes import INTERRUPTED

if TYPE_CHECKING:
    from wattmark.records import Run, Suite

FAILED_TRIALS_EXIT_CODE = 1


def run(
    plan: Annotated[
        Path | None,
        typer.Argument(help="Plan or suite (YAML, JSON) or a packaged one; left out: quickstart."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Of a suite: this plan or task (repeatable).")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="One process a setup, ±10 %, stop early.")
    ] = False,
    samples: Annotated[int | None, typer.Option(help="How many examples of each task.")] = None,
    budget: Annotated[
        str | None, typer.Option(help="Time for measuring in all, such as 90s, 4m or 1h.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Another model for the plan's task.")] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=folder:PATH]", help="Public data set (repeatable), or aies."),
    ] = None,
    cost_only: Annotated[
        bool, typer.Option("--cost-only", help="Measure no quality: for data without labels.")
    ] = False,
    reasoning_tokens: Annotated[
        str | None,
        typer.Option(metavar="N|free", help="Tokens of every answer: a number, or free."),
    ] = None,
    scenario: Annotated[
        str | None,
        typer.Option(help="MLPerf's LoadGen drives: single-stream, multi-stream, offline, server."),
    ] = None,
    qps: Annotated[float | None, typer.Option(help="Server: queries a second.")] = None,
    target_latency: Annotated[
        str | None, typer.Option(help="Server: the bound of 99 % of the latencies, such as 50ms.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="LoadGen's tests as long as MLPerf's rules want them.")
    ] = False,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Ask this server instead, with --api and --model."),
    ] = None,
    api: Annotated[
        str | None,
        typer.Option(help="openai, openai-completions, openai-embeddings or oip-v2."),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(help="Endpoint: so many requests always under way.")
    ] = None,
    arrivals: Annotated[
        str | None, typer.Option(metavar="poisson|constant", help="Endpoint: of --qps.")
    ] = None,
    requests: Annotated[int | None, typer.Option(help="Endpoint: how many requests.")] = None,
    prompts: Annotated[
        str | None,
        typer.Option(metavar="FILE|task:NAME", help="Endpoint: what is asked."),
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Endpoint: of an answer.")] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(metavar="FILE|NAME", help="Endpoint: counts tokens if the server does not."),
    ] = None,
    key_variable: Annotated[
        str | None,
        typer.Option(metavar="VARIABLE", help="Endpoint: environment variable with the key."),
    ] = None,
    timeout: Annotated[
        str | None, typer.Option(help="Endpoint: a request is given up after it; 600s.")
    ] = None,
    slo: Annotated[
        str | None, typer.Option(help="Endpoint: objective, such as ttft_p95<200ms,p99<2s.")
    ] = None,
    meter: Annotated[
        list[str] | None, typer.Option(help="This instrument (repeatable); left out: the best.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Finish an interrupted run.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where to write the HTML report; default report[-PLAN].html."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no table.")] = False,
) -> None:
    """Run a plan and compare its setups, or the plans of a suite one after another."""
    from wattmark.cli.progress import Progress
    from wattmark.records import Suite
    from wattmark.workflows import runs

    show = not quiet and not as_json
    of_endpoint = {
        "api": api,
        "concurrency": concurrency,
        "arrivals": arrivals,
        "requests": requests,
        "prompts": prompts,
        "max_tokens": max_tokens,
        "tokenizer": tokenizer,
        "key_variable": key_variable,
        "slo": slo,
        "timeout": timeout,
    }
    if endpoint is not None:
        from wattmark.cli.run_endpoint import endpoint_fields, run_endpoint

        local = (plan, only, fast, data, cost_only, reasoning_tokens, target_latency, strict)
        if any((*local, scenario, resume, report)):
            raise typer.BadParameter(
                "--endpoint asks a server: it takes no plan, and of the options --api, --model, "
                "--qps or --concurrency, --requests, --budget, --samples, --meter and those "
                "whose help says Endpoint"
            )
        said = endpoint_fields(endpoint, model, qps, budget, samples, meter, of_endpoint)
        raise typer.Exit(run_endpoint(said, as_json=as_json, quiet=quiet))
    if any(of_endpoint.values()):
        named = next(name for name, value in of_endpoint.items() if value)
        raise typer.BadParameter(f"--{named.replace('_', '-')} goes with --endpoint URL")
    if resume is not None:
        others = (only, fast, samples, budget, model, data, cost_only, reasoning_tokens, meter)
        loadgen = (scenario, qps, target_latency, strict)
        if plan is not None or any(others + loadgen):
            raise typer.BadParameter("--resume takes the plan of the run; give no other option")
        with Progress(show) as progress:
            done = runs.resume(resume, observe=progress)
        raise typer.Exit(_present(done, report or Path("report.html"), as_json, quiet))
    loaded = runs.read(plan)
    if only and not isinstance(loaded, Suite):
        raise typer.BadParameter("--only picks plans of a suite, and this is a single plan")
    changes: dict[str, Any] = {
        "fast": fast,
        "samples": samples,
        "model": model,
        "data": data,
        "cost_only": cost_only or None,
        "options": {"tokens": reasoning_tokens} if reasoning_tokens else None,
        "meters": meter,
        "scenario": scenario,
        "mlperf": _mlperf(qps, target_latency, strict),
    }
    seconds = None if budget is None else parse_duration_s(budget)
    if isinstance(loaded, Suite):
        chosen = runs.narrowed(loaded, only or (), seconds)
        raise typer.Exit(_run_all(chosen, changes, report, as_json, quiet))
    with Progress(show) as progress:
        done = runs.run(loaded, budget_s=seconds, observe=progress, **changes)
    raise typer.Exit(_present(done, report or Path("report.html"), as_json, quiet))


def _mlperf(qps: float | None, target_latency: str | None, strict: bool) -> dict[str, Any]:
    """What was said of LoadGen's tests."""
    limit_ms = None if target_latency is None else 1e3 * parse_duration_s(target_latency)
    said = {"target_qps": qps, "target_latency_ms": limit_ms, "strict": strict or None}
    return {key: value for key, value in said.items() if value is not None}


def _run_all(
    suite: Suite, changes: dict[str, Any], report: Path | None, as_json: bool, quiet: bool
) -> int:
    """Run the plans in order; one that cannot be run is told, and the others go on."""
    from wattmark.cli.progress import Progress
    from wattmark.errors import WattmarkError
    from wattmark.workflows import runs

    status = 0
    for number, plan in enumerate(suite.plans, 1):
        if not quiet and not as_json:
            typer.echo(f"{number}/{len(suite.plans)}  {plan.name}", err=True)
        try:
            with Progress(not quiet and not as_json) as progress:
                done = runs.run(plan, observe=progress, **changes)
        except WattmarkError as error:
            typer.echo(f"wattmark: {plan.name}: {error}", err=True)
            status = error.exit_code
            continue
        base = report or Path("report.html")
        path = base.with_stem(f"{base.stem}-{plan.name}")
        outcome = _present(done, path, as_json, quiet)
        if outcome == INTERRUPTED:
            if left := suite.plans[number:]:
                names = " ".join(f"--only {plan.name}" for plan in left)
                typer.echo(f"Then the rest of the suite with: {names}", err=True)
            return outcome
        status = outcome or status
    return status


def _present(done: Run, report: Path, as_json: bool, quiet: bool) -> int:
    """Write the report, print what came of it; returns the exit status."""
    from wattmark.records import StopReason
    from wattmark.workflows import runs

    runs.write_report(done, report)
    if as_json:
        typer.echo(done.model_dump_json(indent=1))
    elif not quiet:
        from wattmark.cli.table import print_run

        print_run(done)
        typer.echo(f"\nReport: {report}    Run: {done.id}")
    if done.stop_reason is StopReason.INTERRUPTED:
        typer.echo(f"Interrupted. Finish it with: wattmark run --resume {done.id}", err=True)
        return INTERRUPTED
    failed = [r for r in done.results if r.failure is not None]
    for result in failed:
        assert result.failure is not None
        typer.echo(f"failed: {result.id}: {result.failure.message}", err=True)
    return FAILED_TRIALS_EXIT_CODE if failed else 0
