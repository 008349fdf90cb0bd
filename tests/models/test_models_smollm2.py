from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from torch_runner import TorchRunner

from wattmark.errors import UnsupportedSetupError
from wattmark.models.smollm2 import (
    CONTEXT,
    SIZES,
    SmolLm2Reasoning,
    SmolLm2Summarization,
    SmolLm2TextGeneration,
)

GENERATION, REASONING, SUMMARIZATION = (
    SmolLm2TextGeneration(),
    SmolLm2Reasoning(),
    SmolLm2Summarization(),
)
MODELS = [GENERATION, REASONING, SUMMARIZATION]
TEXTS = [
    "The council said on Tuesday that",
    "naïve  Ünïcode 東京 \t\n 3,141.59 2024-01-31 isn't it?",
    "<|im_start|>user\nHello<|im_end|>\n",
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def module():
    pytest.importorskip("torch")
    [network] = GENERATION.networks()
    return network.module()


def words(inputs) -> str:
    ids = inputs["input_ids"][0, : inputs["last"][0] + 1]
    return GENERATION._tokenizer.decode(ids.tolist(), skip_special_tokens=False)


def test_three_models_share_weights_and_limits():
    infos = [model.info() for model in MODELS]
    assert len({info.digest for info in infos}) == 1
    assert len({info.name for info in infos}) == 3
    for model in MODELS:
        [network] = model.networks()
        assert network.sizes == SIZES
        assert len(network.reads) == len(network.writes) == 60
        assert network.reads[0].shape == (1, 3, "context", 64)


def test_parameters_are_counted(module):
    assert GENERATION.info().parameters == sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("model", MODELS)
def test_long_examples_fit_their_bucket_and_leave_room_for_the_answer(model):
    for example in ("word", "a longer text of many words " * 200):
        [inputs] = model.preprocess([example])
        assert inputs["input_ids"].shape == (1, model.length)
    assert inputs["last"][0] == model.length - 1
    limit = CONTEXT - model.length
    model.pipeline({"tokens": str(limit)})
    with pytest.raises(UnsupportedSetupError, match=f"from 1 to {limit}"):
        model.pipeline({"tokens": str(limit + 1)})


def test_article_is_cut_and_the_question_is_not():
    [inputs] = SUMMARIZATION.preprocess(["A long article. " * 500])
    text = words(inputs)
    assert "user\nSummarize in one sentence: A long article." in text
    assert text.endswith("<|im_end|>\n<|im_start|>assistant\n")


def test_chat_prompt_is_the_models_own_template():
    jinja2 = pytest.importorskip("jinja2")
    template = jinja2.Template(GENERATION._file.value("tokenizer.chat_template"))
    content = "Summarize in one sentence: Rain fell."
    expected = template.render(
        messages=[{"role": "user", "content": content}], add_generation_prompt=True
    )
    [inputs] = SUMMARIZATION.preprocess(["Rain fell."])
    assert words(inputs) == expected


def test_texts_come_back_from_their_tokens():
    tokenizer = GENERATION._tokenizer
    for text in TEXTS:
        assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text
    assert tokenizer.encode(TEXTS[2]).ids[0] == 1
    assert len(tokenizer.encode("20240131").ids) == 8


def test_answer_ends_at_the_end_of_its_line_or_turn():
    line_end, two, turn_end = REASONING.end[2], REASONING.end[3], 2
    ids = REASONING._tokenizer.encode(" 3 + 4 = 7.").ids
    for end in (line_end, two, turn_end, -1):
        output = np.array([[*ids, end, *ids]])
        assert REASONING.postprocess(output, {}) == " 3 + 4 = 7."


def test_tokens_and_logits_are_those_of_transformers(module):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    sizes = GENERATION._config
    config = transformers.LlamaConfig(
        vocab_size=sizes.vocabulary, hidden_size=sizes.width, num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads, num_key_value_heads=sizes.kv_heads,
        intermediate_size=sizes.feed_forward, rms_norm_eps=sizes.norm_epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": sizes.rotary_base},
        tie_word_embeddings=True, max_position_embeddings=8192,
    )  # fmt: skip
    with torch.device("meta"):
        theirs = transformers.LlamaForCausalLM(config)
    theirs.load_state_dict(module.state_dict(), assign=True)
    theirs.model.rotary_emb = type(theirs.model.rotary_emb)(config)  # its buffer is not saved
    theirs.eval()

    [inputs] = GENERATION.preprocess(["The capital of France is"])
    ids = torch.from_numpy(inputs["input_ids"][:, : inputs["last"][0] + 1])
    [network] = GENERATION.networks()
    runners = {"decode": TorchRunner(replace(network, build=lambda: module))}
    tokens = GENERATION.pipeline({"tokens": "4"})(runners, inputs, lambda *_: None)
    probe = GENERATION.pipeline({}).probe(runners, inputs)
    with torch.inference_mode():
        logits = theirs(ids).logits[:, -3:].numpy()
        generated = theirs.generate(
            ids, do_sample=False, max_new_tokens=4, min_new_tokens=4, pad_token_id=2
        )
    assert np.abs(probe - logits).max() <= 1e-4 * np.abs(logits).max()
    assert tokens.tolist() == generated[:, ids.shape[1] :].tolist()
    assert GENERATION.postprocess(tokens, inputs).startswith(" Paris")
