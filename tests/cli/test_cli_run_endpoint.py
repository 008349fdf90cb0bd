"""``wattmark run --endpoint`` and ``sweep --endpoint`` against a real server on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from stand_in_server import TOKENS, served
from typer.testing import CliRunner

from wattmark.cli.main import app
from wattmark.errors import EndpointError, InputError


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served() as found:
        yield found


@pytest.fixture(autouse=True)
def a_data_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTMARK_DATA", str(tmp_path / "data"))


@pytest.fixture
def prompts(tmp_path: Path) -> str:
    path = tmp_path / "prompts.txt"
    path.write_text("hello\nhow are you\n")
    return str(path)


def wattmark(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def asked(url: str, prompts: str, *arguments: str):
    return wattmark("run", "--endpoint", url, "--prompts", prompts, *arguments)


def test_a_load_is_run_shown_and_listed(url: str, prompts: str) -> None:
    said = asked(url, prompts, "--model", "good", "--qps", "400", "--requests", "50", "--json")
    assert said.exit_code == 0, said.output
    run = json.loads(said.stdout)
    result = run["result"]
    assert (result["valid"], result["requests"], result["failures"]) == (50, 50, [])
    assert result["latency"]["p50"]["low"] <= result["latency"]["p50"]["value"]
    assert result["tokens_out_per_query"]["value"] == TOKENS
    # the server is a thread of this process, whose energy is modelled where nothing counts it
    assert result["energy_per_query"]["grade"] in ("modelled", "counted")
    assert "generator_in_energy" in result["flags"]
    assert run["id"] in wattmark("list", "runs").stdout
    assert "Valid / sent" in wattmark("show", "latest").stdout
    assert json.loads(wattmark("show", run["id"], "--json").stdout) == run


def test_failures_are_counted_beside_what_was_valid(url: str, prompts: str, tmp_path) -> None:
    said = asked(url, prompts, "--model", "busy")
    assert isinstance(said.exception, EndpointError)
    assert "429" in str(said.exception) and "rate limit" in str(said.exception)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--model", "good", "--slo", "fast please"], "cannot be read"),
        (["--model", "good", "--qps", "-3"], "rate_per_s"),
        (["--model", "good", "--qps", "3", "--concurrency", "2"], "either a rate"),
        (["--model", "good", "--api", "grpc"], "api"),
        (["--model", "good", "--api", "oip-v2"], "not an .npz file"),
        (["--model", "good", "--key-variable", "NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE"),
        (["--model", "good", "--meter", "modelled-cgroup"], "load generator"),
        (["--model", "good", "--server-pid", "999999999"], "no process 999999999"),
    ],
    ids=str,
)
def test_what_cannot_be_run_is_told(url: str, prompts: str, arguments, told: str) -> None:
    said = asked(url, prompts, *arguments)
    assert isinstance(said.exception, InputError), said.output
    assert told in str(said.exception)


def test_options_of_a_server_need_one_and_a_server_needs_a_model() -> None:
    assert "--endpoint" in wattmark("run", "--concurrency", "2").output
    assert "--model" in wattmark("run", "--endpoint", "http://127.0.0.1:9").output


def test_an_objective_is_judged_over_all_requests(url: str, prompts: str) -> None:
    bound = ["--slo", "p50<=60s,ttft_p99<1us", "--requests", "20", "--json"]
    said = asked(url, prompts, "--model", "good", "--concurrency", "2", *bound)
    kept = {b["bound"]: b["kept"] for b in json.loads(said.stdout)["result"]["slo"]}
    assert kept == {"p50<=60s": True, "ttft_p99<1us": False}
    assert json.loads(said.stdout)["result"]["goodput"]["value"] is None


def test_a_sweep_goes_through_the_numbers_of_clients(url: str, prompts: str) -> None:
    said = wattmark(
        *("sweep", "--endpoint", url, "--model", "good", "--prompts", prompts),
        *("--concurrency", "1,2", "--requests", "30", "--json"),
    )
    found = json.loads(said.stdout)
    results = {run["id"]: run["result"] for run in found["runs"]}
    assert [r["arrivals"] for r in results.values()] == ["closed-loop:1", "closed-loop:2"]
    # on a machine that is busy the generator itself may be late, and such a load is not named
    usable = [id_ for id_, r in results.items() if "generator_saturated" not in r["flags"]]
    assert found["most_throughput"] in (usable or [None])
    assert said.exit_code == (0 if usable else 1), said.output


def test_a_task_gives_prompts_and_its_quality(url: str) -> None:
    said = wattmark(
        *("run", "--endpoint", url, "--model", "good", "--samples", "5", "--requests", "10"),
        *("--concurrency", "2", "--json"),
    )
    result = json.loads(said.stdout)["result"]
    assert result["quality_metric"] == "next-word accuracy"
    assert result["quality"]["value"] is not None


def test_ctrl_c_keeps_what_there_is(url: str, prompts: str) -> None:
    command = [sys.executable, "-c", "from wattmark.cli import main; main()", "run"]
    command += ["--endpoint", url, "--prompts", prompts]
    command += ["--model", "good", "--qps", "20", "--requests", "100000"]
    child = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert child.stderr is not None
    for line in child.stderr:
        if "Measure" in line:
            break
    time.sleep(1.0)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate()
    assert child.returncode == 130
    assert "interrupted" in out
    assert "interrupted" in wattmark("list", "runs").stdout


@pytest.mark.usefixtures("fake_plugin")
def test_a_meter_of_the_servers_machine_gives_energy(url: str, prompts: str) -> None:
    said = asked(url, prompts, "--model", "good", "--meter", "fake-counter", "--json")
    result = json.loads(said.stdout)["result"]
    energy = result["energy_per_query"]
    assert energy["grade"] == "counted" and energy["low"] <= energy["value"] <= energy["high"]
    least_j = 40.0 * result["duration_s"] / result["requests"]  # the fake draws 40 W, and more
    assert energy["high"] >= least_j > 0
    assert "generator_in_energy" in result["flags"]
    afar = asked("http://192.0.2.1:8000", prompts, "--model", "good", "--meter", "fake-counter")
    assert "looks at this machine and not at 192.0.2.1" in str(afar.exception)


def test_a_named_tokenizer_counts_where_the_server_does_not(
    url: str, prompts: str, tmp_path: Path
) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.save(str(tmp_path / "tokenizer.json"))
    wanted = ["--model", "uncounted", "--requests", "8", "--json"]
    alone = json.loads(asked(url, prompts, *wanted).stdout)["result"]
    assert alone["tokens_out_per_query"]["reason"] == "not_measured"
    named = asked(url, prompts, *wanted, "--tokenizer", str(tmp_path / "tokenizer.json"))
    result = json.loads(named.stdout)["result"]
    assert result["tokens_out_per_query"]["value"] == TOKENS
    assert result["token_sources"] == ["tokenizer"]
    lost = asked(url, prompts, *wanted, "--tokenizer", str(tmp_path))
    assert isinstance(lost.exception, InputError)


def test_a_server_that_hangs_is_told_after_the_timeout(url: str, prompts: str) -> None:
    said = asked(url, prompts, "--model", "stalls", "--timeout", "100ms")
    assert isinstance(said.exception, EndpointError)
    assert "not complete within" in str(said.exception) or "stopped for" in str(said.exception)


def test_python_users_have_the_same(url: str, prompts: str) -> None:
    import wattmark as public

    run = public.run_endpoint(
        {
            "url": url,
            "api": "openai",
            "model": "good",
            "concurrency": 1,
            "prompts": prompts,
            "requests": 3,
        }
    )
    assert run.result.valid == 3
    with pytest.raises(InputError, match="either a rate"):
        public.run_endpoint({"url": url, "api": "openai", "model": "good"})
