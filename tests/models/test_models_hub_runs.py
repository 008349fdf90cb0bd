"""Models of a folder and of the hub in whole runs; what cannot be run is said before any worker."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("huggingface_hub")

from diffusers_folders import save_stable_diffusion  # noqa: E402
from hub_folders import WORDS, save_bert, save_tokenizer  # noqa: E402
from hub_server import NOWHERE, client, served  # noqa: E402

import wattmark  # noqa: E402
from wattmark.conduct.events import Event, Stage  # noqa: E402
from wattmark.contracts import Example  # noqa: E402
from wattmark.errors import AssetError, InputError, WattmarkError  # noqa: E402
from wattmark.records import TaskInfo  # noqa: E402
from wattmark.tasks.text_classification import TextClassification  # noqa: E402
from wattmark.workflows import kinds  # noqa: E402

LABELS = {"id2label": {0: "NEGATIVE", 1: "POSITIVE"}, "label2id": {"NEGATIVE": 0, "POSITIVE": 1}}


def load(self, samples, seed):
    """Six reviews in the words of the tiny tokenizer; no network is needed."""
    texts = [" ".join(WORDS[4 + (n * k) % 8] for k in range(1, 6)) for n in range(1, 7)]
    info = TaskInfo(
        name="text-classification", unit="query", metric="accuracy", samples=len(texts),
        data_digest="0" * 64, licence="none", sources=("here",), description="six reviews",
    )  # fmt: skip
    return info, [Example(text, n % 2, "here") for n, text in enumerate(texts)]


@pytest.fixture(autouse=True)
def own_data_and_cache(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(TextClassification, "load", load)
    monkeypatch.setenv("WATTMARK_CACHE", str(tmp_path / "cache"))


def plan(model: str, task: str = "text-classification", **changes) -> dict[str, object]:
    settings = {
        "name": "tiny", "task": task, "model": model, "samples": 6, "rounds": 3, "executions": 1,
        "setups": ["pytorch/eager/fp32"], "ratio_width": 0.9, "budget_s": 3,
    }  # fmt: skip
    return settings | changes


@pytest.mark.slow
def test_a_model_in_a_folder_is_compared_on_two_frameworks(tmp_path):
    folder = tmp_path / "bert"
    bert = save_bert(folder, "BertForSequenceClassification", **LABELS)
    setups = ["pytorch/eager/fp32", "onnxruntime/cpu/fp32"]
    done = wattmark.run(plan(f"folder:{folder}", setups=setups))
    assert [result.status for result in done.results] == ["ok", "ok"]
    assert done.model.name == f"folder:{folder}"
    assert done.model.parameters == sum(p.numel() for p in bert.parameters())
    for result in done.results:
        assert all(execution.check.passed for execution in result.executions)
        assert result.quality is not None and 0 <= result.quality.value.value <= 1
    ours, theirs = (result.quality.value.value for result in done.results)
    assert ours == theirs, "the same model says the same"


def refused(kind: type[WattmarkError], match: str, *arguments, **changes) -> None:
    """The run is refused while data and model are fetched: nothing is prepared or timed."""
    events: list[Event] = []
    with pytest.raises(kind, match=match):
        wattmark.run(plan(*arguments, **changes), observe=events.append)
    assert {event.stage for event in events} <= {Stage.DATA}
    assert not kinds.listed()


def test_a_model_that_does_not_fit_the_task_is_refused_before_any_worker(tmp_path):
    save_bert(tmp_path / "qa", "BertForQuestionAnswering")
    refused(
        InputError,
        r"does not fit the task text-classification: its architecture is BertForQuestionAnswering",
        f"folder:{tmp_path / 'qa'}",
    )


def test_a_tokenizer_that_does_not_match_is_refused_before_any_worker(tmp_path):
    save_bert(tmp_path / "bert", "BertForSequenceClassification", **LABELS)
    save_tokenizer(tmp_path / "bert", [f"word{n}" for n in range(1000)])
    refused(
        AssetError,
        r"does not match its weights: it has 1000 tokens, but the embedding \d+ rows",
        f"folder:{tmp_path / 'bert'}",
    )


def test_images_that_the_judge_cannot_see_are_refused_unless_cost_alone_is_asked_for(tmp_path):
    pytest.importorskip("diffusers")
    save_stable_diffusion(tmp_path / "painter")
    refused(
        InputError,
        r"of shape \(3, 16, 16\)",
        f"folder:{tmp_path / 'painter'}",
        task="image-generation",
    )


def test_a_file_in_another_format_is_refused_before_any_worker(tmp_path):
    save_bert(tmp_path / "bert", "BertForSequenceClassification", **LABELS)
    weights = tmp_path / "bert" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    refused(AssetError, "is no whole safetensors file", f"folder:{tmp_path / 'bert'}")
    weights.rename(weights.with_name("model.gguf"))
    refused(AssetError, r"no model\.safetensors; it has model\.gguf", f"folder:{tmp_path / 'bert'}")


@pytest.mark.parametrize(
    ("repo", "said"),
    [
        ("org/nothing", "org/nothing does not exist, or is private: check ORG/NAME"),
        ("org/gated", r"org/gated is gated: accept its terms.*HF_TOKEN"),
        ("org/classifier@v9", "has no revision 'v9'"),
    ],
)
def test_what_the_hub_does_not_give_is_refused_before_any_worker(tmp_path, monkeypatch, repo, said):
    save_bert(tmp_path / "bert", "BertForSequenceClassification", **LABELS)
    use = client(monkeypatch, tmp_path)
    with served(tmp_path / "bert") as (address, _):
        use(address)
        refused(AssetError, said, f"hub:{repo}")


def test_a_hub_out_of_reach_is_said_before_any_worker(tmp_path, monkeypatch):
    client(monkeypatch, tmp_path)(NOWHERE)
    refused(AssetError, r"out of reach.*give a copy as folder:PATH", "hub:org/classifier")


def test_a_name_that_is_none_and_a_folder_that_is_not_there(tmp_path):
    refused(InputError, "names no model: write hub:ORG/NAME", "hub:a/b/c")
    refused(AssetError, "no folder .*nowhere", f"folder:{Path(tmp_path) / 'nowhere'}")
