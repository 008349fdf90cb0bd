from __future__ import annotations

import numpy as np
import pytest
from torch_runner import TorchRunner

from wattmark.models.networks.llama import decode_network
from wattmark.models.networks.llama_config import LlamaConfig
from wattmark.pipelines.greedy import Greedy, padded_prompt

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SIZES = tuple({"length": length, "context": 24} for length in (1, 8))
CONFIG = LlamaConfig(
    vocabulary=96, width=48, layers=3, heads=6, kv_heads=2, feed_forward=80,
    rotary_base=10_000.0, norm_epsilon=1e-5,
)  # fmt: skip


@pytest.fixture(scope="module")
def reference():
    """A random model of transformers, its weights large enough that attention matters."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=CONFIG.vocabulary, hidden_size=CONFIG.width, num_hidden_layers=CONFIG.layers,
        num_attention_heads=CONFIG.heads, num_key_value_heads=CONFIG.kv_heads,
        intermediate_size=CONFIG.feed_forward, rms_norm_eps=CONFIG.norm_epsilon,
        tie_word_embeddings=True, initializer_range=0.2,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config).eval()


@pytest.fixture(scope="module")
def network(reference):
    stored = {n: p.numpy() for n, p in reference.state_dict().items() if n != "lm_head.weight"}
    return decode_network(CONFIG, lambda: stored, SIZES)


def generated(reference, ids, tokens, **settings):
    out = reference.generate(
        torch.tensor([ids]), do_sample=False, max_new_tokens=tokens, pad_token_id=0, **settings
    )
    return out[0, len(ids) :].tolist()


def test_prefill_logits_are_those_of_transformers(reference, network):
    ids = [3, 14, 15, 92, 65]
    runner = TorchRunner(network)
    inputs = {**padded_prompt(ids, [8]), "start": np.array([0])}
    logits, _ = runner.step(inputs, runner.start({"context": 24}))
    with torch.inference_mode():
        expected = reference(torch.tensor([ids])).logits[:, -1].numpy()
    assert logits.dtype == np.float32
    assert np.abs(logits - expected).max() <= 1e-5 * np.abs(expected).max()


def test_probe_is_transformers_on_the_growing_prompt(reference, network):
    ids = [3, 14, 15, 92, 65, 35]
    probe = Greedy(SIZES, tokens=2, limit=2).probe(
        {"decode": TorchRunner(network)}, padded_prompt(ids, [8])
    )
    with torch.inference_mode():
        expected = reference(torch.tensor([ids])).logits[:, -3:].numpy()
    assert np.abs(probe - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("ids", [[5], [3, 14, 15, 92, 65], [9, 8, 7, 6, 5, 4, 3, 2]])
def test_greedy_tokens_are_those_of_generate(reference, network, ids):
    expected = generated(reference, ids, 16, eos_token_id=None)
    runners, inputs = {"decode": TorchRunner(network)}, padded_prompt(ids, [8])
    tokens = Greedy(SIZES, tokens=16, limit=16)(runners, inputs, lambda phase, units: None)
    assert tokens.tolist() == [expected]

    end = expected[4]
    free = generated(reference, ids, 16, eos_token_id=end)
    tokens = Greedy(SIZES, tokens=None, limit=16, end=[end])(runners, inputs, lambda *_: None)
    assert tokens.tolist() == [free]
    pinned = generated(reference, ids, 16, eos_token_id=end, min_new_tokens=16)
    tokens = Greedy(SIZES, tokens=16, limit=16, end=[end])(runners, inputs, lambda *_: None)
    assert tokens.tolist() == [pinned]


def test_rows_of_a_batch_keep_to_themselves(network):
    prompts = [padded_prompt(ids, [8]) for ids in ([3, 14, 15], [9, 8, 7, 6, 5, 4, 3])]
    greedy = Greedy(SIZES, tokens=10, limit=16)
    alone = [greedy({"decode": TorchRunner(network)}, p, lambda *_: None) for p in prompts]
    both = {name: np.concatenate([p[name] for p in prompts]) for name in prompts[0]}
    together = greedy({"decode": TorchRunner(network, 2)}, both, lambda *_: None)
    assert np.array_equal(together, np.concatenate(alone))


def test_head_shares_the_embeddings_weights(network):
    module = network.module()
    assert module.lm_head.weight is module.model["embed_tokens"].weight
    assert sum(p.numel() for p in module.parameters()) == CONFIG.parameters


@pytest.mark.slow
def test_module_can_be_exported_for_every_size(network):
    module = network.module()
    runner = TorchRunner(network)
    for size in network.sizes:
        ids = np.arange(size["length"])[None] + 1
        last = np.array([size["length"] - 1])
        state = runner.start(size)
        given = [torch.from_numpy(a) for a in (ids, np.array([0]), last)]
        program = torch.export.export(module, (*given, *state.values())).module()
        expected, _ = runner.step({"input_ids": ids, "start": np.array([0]), "last": last}, state)
        assert np.allclose(program(*given, *state.values())[0].numpy(), expected, atol=1e-5)
