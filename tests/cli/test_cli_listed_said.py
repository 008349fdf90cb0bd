"""What is listed, checked and served, and how a line with ``--endpoint`` is read."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from synthetic_run import BASELINE, make_run
from typer.testing import CliRunner, Result

from wattmark import registry
from wattmark.cli import listing
from wattmark.cli.endpoint_option import _taken
from wattmark.cli.main import app
from wattmark.cli.serve import _setup
from wattmark.errors import InputError
from wattmark.planning import plans, suites
from wattmark.records import Suite
from wattmark.serving import app as serving_app
from wattmark.serving import loaded as loaded_module


def wattmark(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def rows(kind: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(wattmark("list", kind, "--json").stdout)
    return found


def test_a_line_of_a_list_is_what_is_known_of_it() -> None:
    listed = rows("models")
    assert {"name": "minilm-l6-sentiment", "task": "for text-classification"} in listed
    lines = wattmark("list", "models").stdout.splitlines()
    assert "minilm-l6-sentiment  for text-classification" in lines
    assert len(lines) == len(listed)


def test_each_kind_has_its_own_columns() -> None:
    assert {"name": "modelled-cpu", "grade": "modelled"} in rows("meters")
    assert {"name": "text-classification"} in rows("tasks")
    assert {"name": "single-stream"} in rows("scenarios")
    assert all(row["version"].startswith("version ") for row in rows("rules"))
    assert {"json", "csv"} <= {row["name"] for row in rows("exports")}
    assert {row["name"] for row in rows("reports")} >= {"csv", "html", "json", "md"}


def test_public_data_say_their_licence_and_label(monkeypatch: pytest.MonkeyPatch) -> None:
    def data(name: str, **changes: Any) -> Any:
        fields = {
            "name": name, "repo": "r", "split": "test", "licence": "MIT", "gated": False,
            "label": "",
        }  # fmt: skip
        return SimpleNamespace(**fields | changes)

    monkeypatch.setattr(registry, "names", lambda kind: ["t"])
    monkeypatch.setattr(
        registry, "datasets", lambda task: [data("a"), data("b", gated=True, label="stars")]
    )
    assert wattmark("list", "data").stdout.splitlines() == [
        "t  a  r  test  MIT  no label: --cost-only",
        "t  b  r  test  MIT (gated)  label: stars",
    ]


def test_a_setup_is_asked_for_on_each_device_until_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Framework:
        modes = {"eager": ("fp32", "bf16")}
        devices = ("cpu", "cuda", "rocm")

        def available(self, setup: Any) -> Any:
            asked.append(setup.label)
            here = setup.device == "cuda" and setup.precision == "fp32"
            reason = "" if here else "no card"
            return SimpleNamespace(available=here, reason=reason, detail=f"on {setup.device}")

    monkeypatch.setattr(registry, "framework", lambda name: Framework())
    found = listing._cells("fake")
    assert asked[:2] == ["fake/eager/fp32", "fake/eager/fp32/cuda"] and len(asked) == 5
    assert found == [
        {"name": "fake/eager/fp32/cuda", "state": "runs here", "detail": "on cuda"},
        {"name": "fake/eager/bf16/rocm", "state": "not here: no card", "detail": "on rocm"},
    ]


def test_a_plan_is_checked_and_a_suite_plan_by_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_run([]).plan
    asked: list[Any] = []
    monkeypatch.setattr(plans, "check_plan", lambda each: [f"{len(each.setups)} setups", "so"])
    monkeypatch.setattr(suites, "load", lambda path: asked.append(path) or plan)
    assert wattmark("plan", "check").stdout == "1 setups\nso\n"
    assert asked == [None]
    assert wattmark("plan", "check", "--json").stdout == plan.model_dump_json(indent=1) + "\n"
    both = Suite(name="both", plans=(plan, plan.model_copy(update={"name": "other"})))
    monkeypatch.setattr(suites, "load", lambda path: both)
    assert wattmark("plan", "check", "x.yaml").stdout.splitlines() == [
        "quickstart: 1 setups",
        "quickstart: so",
        "other: 1 setups",
        "other: so",
    ]


@pytest.mark.parametrize(
    ("line", "url", "rest"),
    [
        ("plan.yaml --endpoint URL --fast", "URL", "plan.yaml --fast"),
        ("--endpoint URL", "URL", ""),
        ("a --endpoint=URL b", "URL", "a b"),
        ("a --endpoint", None, "a --endpoint"),
        ("a -- --endpoint URL", None, "a -- --endpoint URL"),
        ("--endpoints URL", None, "--endpoints URL"),
        ("", None, ""),
    ],
)
def test_the_url_is_taken_from_a_line(line: str, url: str | None, rest: str) -> None:
    assert _taken(line.split()) == (url, rest.split())


# serve


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is served, which is not."""
    asked: dict[str, Any] = {}

    class Listening:
        def getsockname(self) -> tuple[str, int]:
            return "", 4711

    def listen(host: str, port: int) -> Any:
        asked["listen"] = (host, port)
        return Listening()

    def loaded(model: str, task: str | None, setup: Any) -> str:
        asked["model"] = (model, task, setup.label)
        return "the model"

    def application(model: Any, policy: Any, *, max_queue: int, listening: Any) -> str:
        asked["application"] = (model, str(policy), max_queue)
        listening()
        return "the application"

    monkeypatch.setattr(serving_app, "listen", listen)
    monkeypatch.setattr(serving_app, "application", application)
    monkeypatch.setattr(serving_app, "serve", lambda made, socket: asked.update(ran=made))
    monkeypatch.setattr(loaded_module, "LoadedModel", loaded)
    return asked


def test_a_model_is_served_one_by_one_here(served: dict[str, Any]) -> None:
    done = wattmark("serve", "minilm")
    assert done.exit_code == 0, done.exception
    assert served["listen"] == ("127.0.0.1", 8000)
    assert served["model"] == ("minilm", None, BASELINE)
    assert served["application"][0] == "the model" and served["application"][2] == 1000
    assert served["ran"] == "the application"
    assert done.stderr == f"Preparing minilm in {BASELINE}\n"
    assert done.stdout.startswith(f"Serving minilm in {BASELINE}, ")
    assert done.stdout.endswith(", at http://127.0.0.1:4711\n")


def test_how_a_model_is_served_can_be_said(served: dict[str, Any]) -> None:
    line = ["serve", "m", "--framework", "jax/jit/fp32", "--task", "t", "--host", "0.0.0.0"]
    done = wattmark(*line, "--port", 0, "--max-queue", 1, "--policy", "static:batch=8")
    assert done.exit_code == 0, done.exception
    assert served["listen"] == ("0.0.0.0", 0)
    assert served["model"] == ("m", "t", "jax/jit/fp32/b8")
    assert served["application"][2] == 1
    for wrong in (["--port", "65536"], ["--port", "-1"], ["--max-queue", "0"]):
        assert wattmark("serve", "m", *wrong).exit_code == 2
    assert wattmark("serve", "m", "--port", "65535").exit_code == 0


@pytest.mark.parametrize("setup", ["jax/jit/fp32/b2", "jax/jit", "jax/jit/FP", "jax/jit/fp32/b0"])
def test_a_setup_that_cannot_be_served_is_refused(served: dict[str, Any], setup: str) -> None:
    error = wattmark("serve", "m", "--framework", setup).exception
    assert isinstance(error, InputError) and setup.rpartition("/")[0] in str(error)
    assert "listen" not in served


def test_a_setup_to_serve_is_read_as_in_a_plan() -> None:
    assert _setup("jax/jit/bf16/t2").label == "jax/jit/bf16/t2"
