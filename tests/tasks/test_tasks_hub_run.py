"""A run on a public data set, from a copy on disk to the result."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("datasets")

from hub_copies import write

import wattmark


@pytest.mark.slow
def test_two_setups_are_compared_on_a_copy_of_imdb(tmp_path):
    copy = write(tmp_path / "imdb", "text-classification", "imdb")
    plan = {
        "name": "public", "task": "text-classification", "model": "minilm-l6-sentiment",
        "setups": ["pytorch/eager/fp32", "pytorch/eager/bf16"],
        "samples": 2, "rounds": 2, "executions": 1, "budget_s": 1,
    }  # fmt: skip
    run = wattmark.run(plan, data=(f"imdb=folder:{copy}",))

    assert [result.status for result in run.results] == ["ok", "ok"]
    for result in run.results:
        assert result.quality is not None and result.quality.value.value == 1.0
    assert run.task.samples == 2
    assert run.task.sources == (f"imdb: folder {copy}; Maas et al., ACL 2011",)
    assert run.plan.data == (f"imdb=folder:{copy}",), "the record repeats the run"
