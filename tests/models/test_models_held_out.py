"""Bits of held-out text by teacher forcing, in every framework that keeps state."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from hub_folders import WORDS, save  # noqa: E402
from torch_runner import TorchRunner  # noqa: E402

from wattmark import registry  # noqa: E402
from wattmark.contracts import Workspace  # noqa: E402
from wattmark.models.hub.hub_text_generation import HubTextGeneration  # noqa: E402
from wattmark.records import Precision, Setup  # noqa: E402
from wattmark.worker.held_out import (  # noqa: E402
    continue_losses,
    held_out_digest,
    losses_file,
    read_losses,
    save_held_out,
)
from wattmark.worker.jobs import Job  # noqa: E402

TEXTS = [
    ("Ann saw a good film .", " who did it"),
    ("who saw it", " 3 + 3 = 7 . Ann did"),
    ("a bad film", " a good film"),
]
FRAMEWORKS = {
    "pytorch": ("eager", "torch"), "onnxruntime": ("cpu", "onnxruntime"),
    "openvino": ("cpu", "openvino"), "jax": ("jit", "jax"), "tensorflow": ("xla", "tensorflow"),
    "llamacpp": ("gguf", "xllamacpp"),
}  # fmt: skip


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """A tiny random Llama in a folder, and transformers' own."""
    folder = tmp_path_factory.mktemp("llama")
    torch.manual_seed(2)
    config = transformers.LlamaConfig(
        vocab_size=len(WORDS), hidden_size=32, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=1024,
        tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    return save(folder, transformers.LlamaForCausalLM(config)), HubTextGeneration(
        f"folder:{folder}"
    )


@pytest.fixture(scope="module")
def expected(llama):
    """Nats a text by transformers: the whole text in one call, without padding or cache."""
    own, model = llama
    found = []
    for text in model.held_out(TEXTS):
        prompt = text.inputs["input_ids"][:, : int(text.inputs["last"][0]) + 1]
        ids = torch.from_numpy(np.concatenate([prompt, text.following], axis=1))
        with torch.inference_mode():
            logs = own(ids).logits[0].double().log_softmax(-1).numpy()
        places = np.arange(prompt.shape[1] - 1, ids.shape[1] - 1)
        found.append(-logs[places, text.following[0]].sum())
    return np.array(found)


def test_a_text_is_cut_where_its_beginning_ends(llama):
    _, model = llama
    first, *_ = model.held_out(TEXTS)
    last = int(first.inputs["last"][0])
    assert model._tokenizer.decode(first.inputs["input_ids"][0, : last + 1].tolist()) == TEXTS[0][0]
    assert model._tokenizer.decode(first.following[0].tolist()) == "who did it"
    assert (first.bytes, first.vocabulary) == (len(" who did it"), len(WORDS))


def test_bytes_are_of_the_text_and_what_does_not_fit_is_left_out(llama):
    _, model = llama
    found = model.held_out([("Ann", " été"), ("a " * 300, " film"), ("Ann", ""), ("a", " a" * 600)])
    assert [text.bytes for text in found] == [6]


def runner_of(model, framework, folder: Path):
    """The model's decoder in a framework."""
    mode, _ = FRAMEWORKS[framework]
    setup = Setup(framework=framework, mode=mode, precision=Precision.FP32)
    (network,) = model.networks()

    def shared(key, build):
        (folder / key).mkdir(parents=True)
        build(folder / key)
        return folder / key

    (folder / "out").mkdir()
    instrument = registry.framework(framework)
    instrument.prepare(Workspace(network, setup, folder / "out", shared, name=model.name))
    return instrument.load(folder / "out", network, setup, threads=1)


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_losses_are_those_of_transformers_without_padding(tmp_path, framework, llama, expected):
    if importlib.util.find_spec(FRAMEWORKS[framework][1]) is None:
        pytest.skip(f"{framework} is not installed")
    _, model = llama
    runners = {"decode": runner_of(model, framework, tmp_path)}
    pipeline = model.pipeline({})
    found = [pipeline.losses(runners, t.inputs, t.following).sum() for t in model.held_out(TEXTS)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("batch", [1, 2])
def test_a_worker_takes_up_where_an_earlier_one_stopped(tmp_path, batch, llama, expected):
    _, model = llama
    texts = model.held_out(TEXTS)
    save_held_out(texts, tmp_path / "held_out")
    file = losses_file(tmp_path, "artefact", held_out_digest(texts))
    (network,) = model.networks()
    runners = {"decode": TorchRunner(network, batch)}
    setup = Setup(framework="pytorch", mode="eager", precision=Precision.FP32, batch=batch)
    job = Job(
        kind="measure", task="text-generation", model=model.name, setup=setup, threads=1, cpus=(0,),
        scenario="single-stream", artefact=tmp_path, shared=tmp_path, inputs=tmp_path,
        calibration=tmp_path, reference=tmp_path, check_queries=(), held_out=tmp_path / "held_out",
        losses=file,
    )  # fmt: skip
    continue_losses(job, model.pipeline({}), runners)
    assert not read_losses(file).size, "no time, no text"
    file.parent.mkdir(exist_ok=True)
    file.write_text("[17.0]")
    continue_losses(job.model_copy(update={"losses_limit_s": 600.0}), model.pipeline({}), runners)
    np.testing.assert_allclose(read_losses(file), [17.0, *expected[1:]], rtol=1e-4)
    assert math.isfinite(read_losses(file).sum())


def test_losses_that_cannot_be_read_are_asked_for_again(tmp_path):
    for text in ("", "[1, null]", "{}", "[[1.0]]", "[1e999]"):
        (tmp_path / "losses.json").write_text(text)
        assert not read_losses(tmp_path / "losses.json").size
    assert held_out_digest([]) == ""
