"""``wattmark serve`` as a user meets it: a process, real packaged models, HTTP on loopback."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from typer.testing import CliRunner

from wattmark.cli.main import app
from wattmark.errors import InputError
from wattmark.workflows import endpoint_runs

pytestmark = pytest.mark.slow

SENTIMENT, GENERATOR = "minilm-l6-sentiment", "smollm2-135m"


@contextmanager
def serving(*arguments: str) -> Iterator[str]:
    """A server of these arguments; gives its URL, and checks that Ctrl-C ends it well."""
    command = [sys.executable, "-c", "from wattmark.cli import main; main()", "serve"]
    server = subprocess.Popen(
        [*command, *arguments, "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    said = server.stdout.readline()
    found = re.search(r"http://\S+", said)
    try:
        assert found is not None, said
        yield found[0]
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def sentiment() -> Iterator[str]:
    policy = "dynamic:max_batch=4,max_wait_ms=1"
    with serving(SENTIMENT, "--framework", "pytorch/eager/fp32", "--policy", policy) as url:
        yield url


@pytest.fixture(scope="module")
def generator() -> Iterator[str]:
    with serving(GENERATOR, "--framework", "llamacpp/gguf/int8-weight-only") as url:
        yield url


def asked(url: str, body: Any = None) -> tuple[int, Any]:
    """Status and JSON of a reply; a body is posted."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def load(url: str, tmp_path, monkeypatch, **said: Any) -> Any:
    monkeypatch.setenv("WATTMARK_DATA", str(tmp_path))
    plan = endpoint_runs.endpoint_plan({"url": url, "concurrency": 3, "samples": 12, **said})
    return endpoint_runs.run_endpoint(plan).result


def test_a_classifier_says_what_it_takes_and_answers_texts_in_order(sentiment: str) -> None:
    assert asked(f"{sentiment}/v2/health/ready") == (200, {"ready": True})
    _, told = asked(f"{sentiment}/v2/models/{SENTIMENT}")
    assert [i["name"] for i in told["inputs"]] == ["input_ids", "attention_mask"]
    texts = {"name": "text", "datatype": "BYTES", "shape": [2], "data": ["a joy", "dull, bad"]}
    status, reply = asked(f"{sentiment}/v2/models/{SENTIMENT}/infer", {"inputs": [texts]})
    (output,) = reply["outputs"]
    assert (status, output["shape"], output["datatype"]) == (200, [2, 2], "FP32")
    good, bad = output["data"][1], output["data"][3]
    assert good > 0 > bad


@pytest.mark.parametrize(
    ("model", "inputs", "status", "said"),
    [
        ("nobody", [], 404, "unknown model 'nobody'"),
        (SENTIMENT, "text", 400, "no list of 'inputs'"),
        (SENTIMENT, [{"name": "x"}], 400, "the inputs are x"),
        (
            SENTIMENT,
            [
                {"name": name, "datatype": "INT64", "shape": [1, 3], "data": [1, 2, 3]}
                for name in ("input_ids", "attention_mask")
            ],
            400,
            "it takes attention_mask [1, 32]",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_answered_is_refused(sentiment, model, inputs, status, said) -> None:
    found = asked(f"{sentiment}/v2/models/{model}/infer", {"inputs": inputs})
    assert found[0] == status and said in found[1]["error"]


def test_a_classifier_is_loaded_by_the_open_inference_protocol(
    sentiment: str, tmp_path, monkeypatch
) -> None:
    wanted = {"api": "oip-v2", "model": SENTIMENT, "prompts": "task:text-classification"}
    result = load(sentiment, tmp_path, monkeypatch, requests=24, **wanted)
    assert (result.valid, result.failures) == (24, ())


def test_a_generator_streams_the_tokens_that_it_would_say_at_once(generator: str) -> None:
    body = {"model": GENERATOR, "prompt": "The capital of France is", "max_tokens": 6}
    _, whole = asked(f"{generator}/v1/completions", body)
    (choice,) = whole["choices"]
    assert choice["text"].startswith(" Paris") and choice["finish_reason"] == "length"
    assert whole["usage"] == {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
    request = urllib.request.Request(
        f"{generator}/v1/completions",
        json.dumps({**body, "stream": True, "stream_options": {"include_usage": True}}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        events = [e.removeprefix("data: ") for e in reply.read().decode().split("\n\n") if e]
    assert events[-1] == "[DONE]"
    *pieces, usage = map(json.loads, events[:-1])
    assert "".join(piece["choices"][0]["text"] for piece in pieces) == choice["text"]
    assert usage["usage"] == whole["usage"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"model": "nobody", "prompt": "x"}, 404, "unknown model"),
        ({"model": GENERATOR, "prompt": "x", "max_tokens": 9999}, 400, "more than the"),
        ({"model": GENERATOR, "prompt": "x", "temperature": 0.7}, 400, "temperature"),
        ({"model": GENERATOR}, 400, "prompt"),
        ({"model": GENERATOR, "prompt": ""}, 400, "cannot take this text"),
        ({"model": GENERATOR, "prompt": "x", "stop": "\n"}, 400, "leave out 'stop'"),
    ],
    ids=str,
)
def test_a_completion_that_cannot_be_made_is_refused(generator, body, status, said) -> None:
    found = asked(f"{generator}/v1/completions", body)
    assert found[0] == status and said in found[1]["error"]["message"]


def test_a_generator_is_loaded_by_the_openai_api(generator: str, tmp_path, monkeypatch) -> None:
    wanted = {"api": "openai", "model": GENERATOR, "max_tokens": 4, "samples": 4}
    result = load(generator, tmp_path, monkeypatch, requests=6, **wanted)
    assert result.valid == 6 and result.token_sources == ("usage",)
    assert 1 <= result.tokens_out_per_query.value <= 4
    assert result.time_to_first_token.p50.value < result.latency.p50.value
    assert result.quality_metric == "next-word accuracy"


def test_ctrl_c_answers_what_waits_for_company() -> None:
    arguments = (SENTIMENT, "--framework", "pytorch/eager/fp32", "--policy", "static:batch=4")
    found: list[Any] = []
    text = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a joy"]}
    with serving(*arguments) as url:

        def ask() -> None:
            found.append(asked(f"{url}/v2/models/{SENTIMENT}/infer", {"inputs": [text]}))

        client = threading.Thread(target=ask)
        client.start()
        time.sleep(1.0)  # it waits for three others, which do not come
    client.join()
    assert found[0][0] == 200 and found[0][1]["outputs"][0]["shape"] == [1, 2]


def test_a_model_of_sounds_is_refused_before_it_is_converted() -> None:
    refused = CliRunner().invoke(app, ["serve", "whisper-tiny-en", "--port", "0"])
    assert isinstance(refused.exception, InputError) and "text" in str(refused.exception)
