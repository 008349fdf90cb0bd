"""Load a plan, and say what is wrong with one, where, and what was probably meant.

A plan that loads names only tasks, models, frameworks, scenarios and meters that are installed,
and only precisions and devices that Wattmark or the setup's framework has. Whether the framework
offers a mode, or one of Wattmark's precisions, is not the plan's affair: such a trial fails and is
recorded so, and the others go on. `check_plan` tells it ahead.
"""

from __future__ import annotations

import math
import os
import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from wattmark import registry
from wattmark.contracts import devices_of, precisions_of
from wattmark.contracts.framework import USUAL_DEVICES
from wattmark.errors import InputError, PlanError, UnknownNameError
from wattmark.machine.installed import is_installed
from wattmark.metering import selection
from wattmark.outside.documents import Document, Place
from wattmark.outside.documents import read_document as read
from wattmark.planning.datasets import named
from wattmark.planning.visible_loss import loss_sentence
from wattmark.records import Plan, Precision, Setup, parse_setup
from wattmark.records.plan import DEVICE_FORM, PRECISION_FORM

PACKAGED = Path(__file__).resolve().parents[1] / "plans"
DEFAULT_PLAN = "quickstart"
MAX_BYTES = 1 << 18
_MISSING = "is missing"
_MODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True)
class _Problem:
    place: Place
    text: str
    unknown: UnknownNameError | None = None

    @classmethod
    def unknown_name(cls, place: Place, kind: str, name: str, known: Iterable[str]) -> _Problem:
        error = UnknownNameError(kind, name, known)
        return cls(place, str(error), error)


def packaged_plans() -> list[str]:
    """Names of the plans that come with Wattmark; `load_plan` takes them in place of a file."""
    return sorted(path.stem for path in PACKAGED.glob("*.yaml"))


def load_plan(source: str | Path | Mapping[str, Any] | Plan | None = None) -> Plan:
    """The plan in a YAML or JSON file, of a packaged name, or in a mapping; none: the quickstart.

    Raises PlanError, or UnknownNameError where a name is all that is wrong, that says the file, the
    line, the key, what is wrong with it, and the nearest names.
    """
    if isinstance(source, Plan):
        return plan_of(Document(source.model_dump()), "the plan")
    if isinstance(source, Mapping):
        return plan_of(Document(dict(source)), "the plan")
    document, path = read_document(source)
    if isinstance(document.data, Mapping) and "plans" in document.data:
        raise PlanError(f"{path} is a suite of plans; here one plan is needed")
    return plan_of(document, str(path))


def read_document(source: str | Path | None) -> tuple[Document, Path]:
    """The text of a plan or suite as data; none: the quickstart. Raises PlanError."""
    path = PACKAGED / f"{DEFAULT_PLAN}.yaml" if source is None else _find(source)
    try:
        return read(path, max_bytes=MAX_BYTES), path
    except InputError as error:
        raise PlanError(str(error)) from error


def check_plan(plan: Plan) -> list[str]:
    """What a person should know before running a plan, a sentence each; imports no framework."""
    queries = f"{plan.samples} queries in {plan.rounds} rounds"
    length = (
        f"{queries} and {plan.executions} executions a pass, "
        f"at most {plan.budget_s:g} s of measuring"
    )
    if plan.loadgen is not None:
        length = f"{plan.rounds} tests of MLPerf's LoadGen each, {_test_length(plan)}"
    notes = [
        f"{len(plan.setups)} setups of {plan.model} on {plan.task} ({plan.scenario}): {length}; "
        f"ratios refer to {plan.baseline_label}"
    ]
    if plan.loadgen is None and plan.samples < plan.rounds:
        notes.append(f"{queries}: some rounds would have no query; ask for fewer rounds")
    if not plan.cost_only and (shown := loss_sentence(registry.task(plan.task), plan.samples)):
        notes.append(f"quality: {shown}")
    cores = os.sched_getaffinity(0)
    if absent := sorted(set(plan.cpus) - cores):
        notes.append(f"cpus: {absent} cannot be used here; usable: {sorted(cores)}")
    count = len(cores.intersection(plan.cpus) or cores)
    for setup in plan.setups:
        notes += [f"{setup.label}: {note}" for note in _setup_notes(setup)]
        if setup.threads > count:
            notes.append(f"{setup.label}: {setup.threads} threads on {count} cores")
    for name in plan.meters:
        found = selection.named(name).probe()
        if not found.available:
            notes.append(f"meter {name} cannot be used here: {found.detail or found.reason}")
    return notes


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of a plan file, with the descriptions of its keys."""
    schema = Plan.model_json_schema(schema_generator=_PlanSchema)
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}


class _PlanSchema(GenerateJsonSchema):
    """Says that a setup may also be written in its short form, as text."""

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        inner = super().function_before_schema(schema)
        if schema["function"]["function"] is not parse_setup:
            return inner
        waits = r"w[0-9]{1,5}(\.[0-9]{1,3})?"
        further = f"(/({DEVICE_FORM}|[tb][0-9]+|{waits}|[a-z][a-z0-9_-]*=[^/]+))*"
        short = {"type": "string", "pattern": f"^[^/]+/[^/]+/{PRECISION_FORM}{further}$"}
        return {"anyOf": [short, inner]}


def _find(source: str | Path) -> Path:
    path = Path(source)
    try:
        if path.is_file():
            return path
        names = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        said = getattr(error, "strerror", None) or error
        raise PlanError(f"plan {reprlib.repr(str(path))}: {said}") from error
    packaged = packaged_plans()
    if str(source) in packaged:
        return PACKAGED / f"{source}.yaml"
    near = [str(path.parent / n) for n in get_close_matches(path.name, names, n=2)]
    near += get_close_matches(str(source), packaged, n=1)
    advice = f"did you mean {' or '.join(near)}?" if near else f"packaged: {', '.join(packaged)}"
    raise PlanError(f"there is no plan file {str(source)!r}: {advice}")


def plan_of(document: Document, name: str) -> Plan:
    """The plan that a document holds; ``name`` is what errors call it. Raises PlanError."""
    if not isinstance(document.data, Mapping):
        found = reprlib.repr(document.data)
        raise PlanError(f"{name}: a plan consists of `key: value` lines, and this is {found}")
    try:
        plan = Plan.model_validate(document.data)
    except ValidationError as error:
        invalid = _without_echoes([_invalid(e) for e in error.errors(include_url=False)])
        invalid += _unusable_setups(_valid_setups(document.data.get("setups")))
        raise _error(invalid, document, name) from error
    if problems := list(_unusable(plan)):
        raise _error(problems, document, name)
    return plan


def _invalid(error: Any) -> _Problem:
    """What pydantic found, in the words of plans."""
    place, kind, value = tuple(error["loc"]), error["type"], error["input"]
    if kind == "extra_forbidden":
        known = Setup.model_fields if len(place) > 1 else Plan.model_fields
        return _Problem.unknown_name(place, "key", str(place[-1]), known)
    if kind == "enum" and place[-1] == "precision" and isinstance(value, str):
        return _Problem.unknown_name(place, "precision", value, [p.value for p in Precision])
    if kind == "missing":
        return _Problem(place, _MISSING)
    if kind == "model_type":
        return _Problem(place, f"{reprlib.repr(value)} is not a setup: framework/mode/precision")
    message = error["msg"].removeprefix("Value error, ")
    if kind != "value_error":
        message = f"{message[:1].lower()}{message[1:]}, not {reprlib.repr(value)}"
    return _Problem(place, message)


def _without_echoes(problems: list[_Problem]) -> list[_Problem]:
    """Leave out a key that is missing only because it is misspelt, which is told already."""
    meant = {
        (*p.place[:-1], p.unknown.nearest[0])
        for p in problems
        if p.unknown is not None and p.unknown.kind == "key" and p.unknown.nearest
    }
    return [p for p in problems if p.text != _MISSING or p.place not in meant]


def _test_length(plan: Plan) -> str:
    wanted, scenario = plan.loadgen, registry.loadgen_scenario(plan.scenario)
    assert wanted is not None
    if wanted.strict:
        least_s, least = scenario.strict_duration_s, scenario.strict_queries
        return f"as MLPerf wants them: {least_s:g} s and {least} queries or more"
    return f"{wanted.min_duration_s:g} s and {wanted.min_queries} queries or more"


def _unusable(plan: Plan) -> Iterator[_Problem]:
    """Names that nothing installed has, and values that no schema can refuse."""
    wanted: list[tuple[Place, str, str]] = [
        (("task",), "task", plan.task),
        (("model",), "model", plan.model),
        (("scenario",), "scenario", plan.scenario),
        *((("meters", i), "meter", name) for i, name in enumerate(plan.meters)),
        *(
            (("setups", i, "framework"), "framework", s.framework)
            for i, s in enumerate(plan.setups)
        ),
    ]
    unknown = [
        _Problem.unknown_name(place, kind, name, known)
        for place, kind, name in wanted
        if name not in (known := registry.names(kind))
        and not (kind == "meter" and name in (known := selection.names()))
        and not (kind == "model" and registry.is_reference(name))
    ]
    yield from unknown
    if plan.loadgen is not None and not any(p.place == ("scenario",) for p in unknown):
        scenario = registry.loadgen_scenario(plan.scenario)
        if lacking := scenario.lacks(plan.loadgen):
            yield _Problem(("scenario",), lacking)
    if not any(problem.place == ("task",) for problem in unknown):
        yield from _unusable_data(plan)
    yield from _unusable_setups(enumerate(plan.setups))
    for key, value in plan:
        if isinstance(value, float) and not math.isfinite(value):
            yield _Problem((key,), f"must be a finite number, not {value}")
    if not any(problem.place in (("task",), ("model",)) for problem in unknown):
        task = registry.model(plan.model, plan.task).task
        if task != plan.task:
            yield _Problem(("model",), f"{plan.model} is a model for {task}, not for {plan.task}")


def _unusable_setups(setups: Iterable[tuple[int, Setup]]) -> Iterator[_Problem]:
    """Of setups with their places in the plan: what neither Wattmark nor their framework has."""
    for index, setup in setups:
        if not _MODE.fullmatch(setup.mode):
            text = f"{reprlib.repr(setup.mode)} cannot be a mode: letters, digits, '.', '_', '-'"
            yield _Problem(("setups", index, "mode"), text)
        if setup.precision in tuple(Precision) and setup.device in USUAL_DEVICES:
            continue
        precisions, devices = _declared(setup.framework)
        for key, value, usual, declared in (
            ("precision", str(setup.precision), tuple(map(str, Precision)), precisions),
            ("device", setup.device, USUAL_DEVICES, devices),
        ):
            if value not in (*usual, *declared):
                error = UnknownNameError(key, value, declared or usual)
                has = f" ({setup.framework} has {', '.join(declared)})" if declared else ""
                yield _Problem(("setups", index, key), f"{error}{has}", error)


def _declared(framework: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Precisions and devices that a framework names; none where it is not to be had."""
    try:
        found = registry.framework(framework)
    except (UnknownNameError, ImportError, AttributeError):
        return (), ()
    return tuple(map(str, precisions_of(found))), devices_of(found)


def _valid_setups(setups: Any) -> Iterator[tuple[int, Setup]]:
    """Those that are setups of what stands in a plan that is otherwise wrong."""
    for index, said in enumerate(setups if isinstance(setups, list | tuple) else ()):
        try:
            yield index, Setup.model_validate(parse_setup(said))
        except ValueError:
            continue


def _unusable_data(plan: Plan) -> Iterator[_Problem]:
    for index, entry in enumerate(plan.data):
        try:
            named(plan.task, entry)
        except UnknownNameError as error:
            yield _Problem(("data", index), str(error), error)
        except InputError as error:
            yield _Problem(("data", index), str(error))


def _error(problems: list[_Problem], document: Document, name: str) -> InputError:
    lines = [_sentence(problem, document) for problem in problems]
    if len(lines) > 1:
        return PlanError("\n  ".join([f"{name}: {len(lines)} problems", *lines]))
    if (error := problems[0].unknown) is not None:
        error.args = (f"{name}, {lines[0]}" if document.lines else f"{name}: {lines[0]}",)
        return error
    return PlanError(f"{name}, {lines[0]}" if document.lines else f"{name}: {lines[0]}")


def _sentence(problem: _Problem, document: Document) -> str:
    """``line 7: setups[2].precision: ...``; no line where there are none."""
    place = problem.place
    shown = place[:-1] if problem.unknown is not None and problem.unknown.kind == "key" else place
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in shown).removeprefix(".")
    while place and place not in document.lines:
        place = place[:-1]
    line = f"line {document.lines[place]}: " if place in document.lines else ""
    return f"{line}{path}: {problem.text}" if path else f"{line}{problem.text}"


def _setup_notes(setup: Setup) -> Iterator[str]:
    try:
        framework = registry.framework(setup.framework)
    except (ImportError, AttributeError) as error:
        yield f"the plug-in of {setup.framework} cannot be imported: {error}"
        return
    missing = [name for name in framework.packages if not is_installed(name)]
    if missing:
        cure = f"pip install 'wattmark[{framework.extra}]'"
        yield f"not installed: {', '.join(missing)}; {cure}"
    if setup.mode not in framework.modes:
        modes = ", ".join(framework.modes)
        yield f"{framework.name} has no mode {setup.mode!r}, only {modes}; this trial will fail"
    elif setup.precision not in (known := framework.modes[setup.mode]):
        precisions = ", ".join(known)
        yield f"{setup.mode} does not do {setup.precision}, only {precisions}; this trial will fail"
    elif setup.device not in (devices := devices_of(framework)):
        only = ", ".join(devices)
        yield f"{framework.name} has no device {setup.device!r}, only {only}; this trial will fail"
    elif not missing and not (found := framework.available(setup)).available:
        yield f"cannot run here: {found.detail or found.reason}"
