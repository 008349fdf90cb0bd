"""Llamas in a folder like a hub repository: their tokens against transformers' own."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from hub_folders import NARROW, WORDS, change, save  # noqa: E402
from torch_runner import TorchRunner  # noqa: E402

from wattmark.errors import AssetError, InputError  # noqa: E402
from wattmark.models.hub.hub_text_generation import (  # noqa: E402
    HubReasoning,
    HubSummarization,
    HubTextGeneration,
)

TEXT = "Ann saw a good film . who did it"
CHAT = "{% for m in messages %}did {{ m.content }}{% endfor %} answer"


def save_llama(folder, tied, **settings):
    torch.manual_seed(2)
    config = transformers.LlamaConfig(
        vocab_size=len(WORDS), intermediate_size=32, num_key_value_heads=1,
        max_position_embeddings=1024, tie_word_embeddings=tied, bos_token_id=1, eos_token_id=2,
        pad_token_id=0, **NARROW, **settings,
    )  # fmt: skip
    return save(folder, transformers.LlamaForCausalLM(config))


@pytest.mark.parametrize("tied", [True, False])
def test_tokens_are_those_of_transformers_generate(tmp_path, tied):
    llama = save_llama(tmp_path, tied, rope_theta=500.0)
    model = HubTextGeneration(f"folder:{tmp_path}")
    (query,) = model.preprocess([TEXT])
    (network,) = model.networks()
    answered = model.pipeline({"tokens": "12"})(
        {"decode": TorchRunner(network)}, query, lambda phase, units: None
    )
    prompt = query["input_ids"][:, : query["last"][0] + 1]
    expected = llama.generate(
        torch.from_numpy(prompt), do_sample=False, min_new_tokens=12, max_new_tokens=12
    )
    np.testing.assert_array_equal(answered, expected[:, prompt.shape[1] :])
    assert model.info().parameters == sum(p.numel() for p in llama.parameters())


def test_long_text_is_continued_from_its_end_and_long_article_read_from_its_start(tmp_path):
    save_llama(tmp_path, tied=True)
    text = " ".join(["a"] * 400 + ["film"] * 400)
    (query,) = HubTextGeneration(f"folder:{tmp_path}").preprocess([text])
    assert query["input_ids"].shape == (1, 160) and query["last"] == [159]
    assert query["input_ids"][0, :2].tolist() == [1, WORDS.index("film")], "after what begins it"
    (tmp_path / "chat_template.jinja").write_text(CHAT)
    (query,) = HubSummarization(f"folder:{tmp_path}").preprocess([text])
    ids = query["input_ids"][0]
    assert query["input_ids"].shape == (1, 384) and query["last"] == [383]
    words = [WORDS[n] for n in (ids[0], ids[-2], ids[-1])]
    assert words == ["did", "a", "answer"], "in the chat template"


def test_word_problem_follows_two_that_are_solved(tmp_path):
    save_llama(tmp_path, tied=True)
    model = HubReasoning(f"folder:{tmp_path}")
    (query,) = model.preprocess([TEXT])
    text = model._tokenizer.decode(query["input_ids"][0].tolist())
    assert text.count("3 + = 7 .") == 0 and "Ann saw a good film" in text
    assert model.end == (2,)


def test_line_ends_of_a_byte_level_vocabulary_end_a_solution(tmp_path):
    save_llama(tmp_path, tied=True)
    file = tmp_path / "tokenizer.json"
    found = json.loads(file.read_text())
    del found["model"]["vocab"]["answer"]
    found["model"]["vocab"][".Ċ"] = WORDS.index("answer")
    file.write_text(json.dumps(found))
    assert HubReasoning(f"folder:{tmp_path}").end == (2, WORDS.index("answer"))
    assert HubTextGeneration(f"folder:{tmp_path}").end == (2,)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model_type": "mistral"}, "model_type 'mistral'"),
        ({"attention_bias": True}, "attention_bias True"),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4}}, "rope_scaling.*llama3"),
    ],
)
def test_what_is_no_plain_llama_is_refused(tmp_path, settings, said):
    save_llama(tmp_path, tied=True)
    change(tmp_path / "config.json", **settings)
    with pytest.raises(InputError, match=f"no plain Llama.*{said}"):
        HubTextGeneration(f"folder:{tmp_path}").info()


def test_short_context_and_missing_head_are_refused(tmp_path):
    save_llama(tmp_path, tied=True)
    change(tmp_path / "config.json", tie_word_embeddings=False)
    with pytest.raises(AssetError, match=r"1 of 21 weights .*lm_head\.weight is missing, not \(19"):
        HubTextGeneration(f"folder:{tmp_path}").info()
    change(tmp_path / "config.json", max_position_embeddings=128)
    with pytest.raises(InputError, match=r"128 positions, but the task text-generation needs 512"):
        HubTextGeneration(f"folder:{tmp_path}").networks()
