"""Put a load to a server and keep what came of it: what ``wattmark loadtest`` is made of."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from wattmark.conduct.events import Event, Observer, Stage, ignore
from wattmark.errors import EndpointError, InputError, MissingPackageError, PlanError
from wattmark.records import EndpointPlan, EndpointRun, problems_text

if TYPE_CHECKING:
    from wattmark.endpoints.address import Server
    from wattmark.endpoints.api import Api
    from wattmark.endpoints.limits import Limits
    from wattmark.endpoints.outcomes import Load
    from wattmark.planning.prompts import Prompts
    from wattmark.records import EnergyWindow
    from wattmark.workflows.server_meters import ServerMeters

#: Names of packages whose versions belong to a load.
_PACKAGES = ("wattmark", "httptools", "uvloop", "numpy")


def endpoint_plan(said: Mapping[str, Any]) -> EndpointPlan:
    """The load that is described by these fields. Raises PlanError."""
    try:
        plan = EndpointPlan.model_validate(dict(said))
    except ValidationError as error:
        raise PlanError(f"this load cannot be run: {problems_text(error)}") from None
    if plan.slo:
        from wattmark.records.slo import parse_slo

        parse_slo(plan.slo)
    return plan


def run_endpoint(
    plan: EndpointPlan | Mapping[str, Any], *, observe: Observer = ignore
) -> EndpointRun:
    """Warm a server up, put a load to it, and store what came of it.

    ``plan`` holds the fields of an EndpointPlan: ``url``, ``model``, ``api`` and either
    ``rate_per_s`` or ``concurrency``, for instance.

    Ctrl-C ends the load; what there is until then is kept. Raises PlanError for a load that cannot
    be run, EndpointError where the warm-up gets no valid reply, MissingPackageError.
    """
    try:
        import httptools  # noqa: F401
        import uvloop
    except ImportError as error:
        raise MissingPackageError(
            f"asking servers needs the package {error.name!r}: pip install 'wattmark[endpoints]'"
        ) from None
    from wattmark.endpoints.address import Server
    from wattmark.endpoints.known_apis import api as named_api
    from wattmark.endpoints.limits import Limits
    from wattmark.machine.environment import collect
    from wattmark.meters.nvml import device_names
    from wattmark.planning.prompts import prompts
    from wattmark.results.endpoint_results import endpoint_result
    from wattmark.store.endpoint_run_files import ENDPOINT_RUNS, write_requests
    from wattmark.store.run_ids import new_run_id
    from wattmark.workflows.server_meters import server_meters

    if not isinstance(plan, EndpointPlan):
        plan = endpoint_plan(plan)
    server = Server(plan.url, plan.key_variable)
    server.key()
    observe(Event(Stage.DATA, 0, 1, text="fetching the prompts"))
    material = prompts(plan)
    api = named_api(plan.api, max_tokens=plan.max_tokens, stream=plan.stream)
    count_tokens = None if plan.tokenizer is None else _tokenizer(plan.tokenizer)
    limits = Limits(
        connect_s=min(plan.timeout_s, Limits.connect_s),
        first_byte_s=plan.timeout_s,
        stall_s=plan.timeout_s,
        total_s=plan.timeout_s,
    )
    created_at = datetime.now(UTC)
    fast = uvloop.new_event_loop
    with server_meters(plan, server) as meters, asyncio.Runner(loop_factory=fast) as runner:
        load, windows = runner.run(_measured(plan, server, api, material, meters, limits, observe))
        flags = meters.flags(windows)
    if count_tokens is not None:
        _count(load, count_tokens)
    run_id = new_run_id("endpoint", created_at)
    run = EndpointRun(
        id=run_id,
        created_at=created_at.isoformat(timespec="seconds"),
        plan=plan,
        prompts_digest=material.digest,
        environment=collect(os.sched_getaffinity(0), _PACKAGES, gpus=device_names()),
        samples=write_requests(run_id, _rows(load)),
        result=endpoint_result(plan, material, load, windows, flags),
    )
    ENDPOINT_RUNS.save(run)
    return run


def sweet_spot(runs: Sequence[EndpointRun]) -> EndpointRun | None:
    """The load with the most valid replies a second among those that keep their objective.

    A load whose generator was the bottleneck says nothing of the server, and is left out.
    """
    fit = [
        run
        for run in runs
        if run.result.throughput.value is not None
        and all(bound.kept for bound in run.result.slo)
        and "generator_saturated" not in run.result.flags
    ]
    return max(fit, key=lambda run: run.result.throughput.value or 0.0, default=None)


async def _measured(
    plan: EndpointPlan,
    server: Server,
    api: Api,
    prompts: Prompts,
    meters: ServerMeters,
    limits: Limits,
    observe: Observer,
) -> tuple[Load, tuple[EnergyWindow, ...]]:
    from wattmark.endpoints.arrivals import ClosedLoop, OpenLoop, constant, poisson
    from wattmark.endpoints.generator import Generator
    from wattmark.endpoints.warm_up import warm_up

    schedule: OpenLoop | ClosedLoop
    if plan.concurrency is not None:
        schedule = ClosedLoop(plan.concurrency, plan.requests)
    elif plan.arrivals == "poisson":
        schedule = poisson(plan.rate_per_s or 0, plan.requests, plan.seed)
    else:
        schedule = constant(plan.rate_per_s or 0, plan.requests)
    watch: Callable[[int, int], None] = lambda done, planned: observe(  # noqa: E731
        Event(Stage.MEASURE, done, planned, schedule.name)
    )
    observe(Event(Stage.WARM_UP, 0, 1, text=plan.url))
    warmed = await warm_up(
        server,
        api,
        plan.model,
        prompts.asked,
        limits,
        clients=min(plan.warm_up, plan.concurrency or 1),
        requests=plan.warm_up,
    )
    _require_answers(plan, warmed.load)
    async with Generator(server, warmed.api, warmed.asks, limits) as generator:
        observe(Event(Stage.MEASURE, 0, plan.requests, schedule.name))
        meters.begin()
        before = meters.readings.read()
        load = await generator.run(schedule, budget_s=plan.budget_s, watch=watch)
        after = meters.readings.read()
        meters.end()
    load.left_out = warmed.api.left_out
    return load, meters.readings.energy(before, after)


def _require_answers(plan: EndpointPlan, warm: Load) -> None:
    """Raise EndpointError where no request of the warm-up got a valid reply."""
    if any(request.failure is None for request in warm.requests):
        return
    if warm.stopped == "interrupted":
        raise KeyboardInterrupt
    failed = warm.requests[0]
    assert failed.failure is not None
    said = f" ({failed.sentence})" if failed.sentence else ""
    if failed.status in (404, 405):
        said += (
            ". If that is another path than the server's, name the whole one, such as "
            "http://127.0.0.1:8000/v1/chat/completions"
        )
    raise EndpointError(
        f"{plan.url} gave no valid reply to {len(warm.requests)} requests for model "
        f"{plan.model!r} by {plan.api}: {failed.failure.sentence}{said}"
    )


def _tokenizer(name: str) -> Callable[[str], int]:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingPackageError(
            "counting tokens needs the package 'tokenizers': pip install 'wattmark[torch]'"
        ) from None
    try:
        read = Tokenizer.from_file if Path(name).exists() else Tokenizer.from_pretrained
        found = read(name)
    except Exception as error:
        raise InputError(
            f"tokenizer {name!r} is neither a tokenizer.json nor to be had from the hub: {error}"
        ) from error
    return lambda text: len(found.encode(text, add_special_tokens=False).ids)


def _count(load: Load, count: Callable[[str], int]) -> None:
    """Count the tokens of replies whose server did not, and those of first pieces."""
    from wattmark.endpoints.outcomes import TokenSource
    from wattmark.endpoints.token_times import one_token_a_piece

    for request in load.requests:
        if request.failure is not None:
            continue
        counted = count(load.texts[request.index])
        if request.tokens_out is None:
            request.tokens_out = counted
            request.token_source = TokenSource.TOKENIZER
        known = request.first_tokens is not None or one_token_a_piece(request)
        if request.pieces and not known:
            request.streamed_tokens = min(counted, request.tokens_out)
            request.first_tokens = count(load.first_texts[request.index])


def _rows(load: Load) -> list[dict[str, Any]]:
    rows = []
    for request in sorted(load.requests, key=lambda request: request.index):
        row = asdict(request)
        row["token_times_ns"] = list(request.token_times_ns)
        row["failure"] = None if request.failure is None else request.failure.value
        del row["token_source"]
        rows.append(row)
    return rows
