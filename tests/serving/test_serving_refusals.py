"""Errors as HTTP status codes, and setups that a server cannot have."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from wattmark.cli.main import app
from wattmark.errors import InputError, WorkerError
from wattmark.serving.refusals import NoSuchModelError, status_of


def test_a_client_is_told_whose_fault_it_was() -> None:
    assert status_of(NoSuchModelError("x")) == 404
    assert status_of(InputError("x")) == 400
    assert status_of(WorkerError("queue_full", "x")) == 503
    assert status_of(WorkerError("batch_failed", "x")) == 500


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--framework", "pytorch/eager/fp32/b8"], "--policy"),
        (["--framework", "pytorch"], "not of the form"),
        (["--policy", "dynamic:max_batch=4"], "max_wait_ms"),
        (["--policy", "static:batch=4,buckets=8"], "leave them out"),
    ],
    ids=str,
)
def test_a_setup_that_cannot_be_served_is_refused(arguments, said) -> None:
    refused = CliRunner().invoke(app, ["serve", "minilm-l6-sentiment", *arguments])
    assert isinstance(refused.exception, InputError) and said in str(refused.exception)
