"""llama.cpp runs a Llama that we write as GGUF, with the numbers of the PyTorch reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattmark.contracts import Network, Workspace
from wattmark.errors import FrameworkError, UnsupportedSetupError
from wattmark.frameworks.gguf_export import format_of, pairs
from wattmark.frameworks.llamacpp import LlamaCpp
from wattmark.frameworks.torch_runners import reference_runners
from wattmark.models.networks.llama import decode_network
from wattmark.models.networks.llama_config import LlamaConfig
from wattmark.pipelines.greedy import Greedy
from wattmark.records import Precision, Setup

CONFIG = LlamaConfig(
    vocabulary=96,
    width=256,
    layers=3,
    heads=4,
    kv_heads=2,
    feed_forward=512,
    rotary_base=10_000.0,
    norm_epsilon=1e-5,
)
SIZES = ({"length": 1, "context": 32}, {"length": 8, "context": 32})


def weights() -> dict[str, np.ndarray]:
    from wattmark.models.networks.llama_module import CachedLlama

    rng = np.random.default_rng(0)
    names = {n: p.shape for n, p in CachedLlama(CONFIG).named_parameters() if n != "lm_head.weight"}
    return {
        name: (rng.standard_normal(shape) * 0.1 + (len(shape) == 1)).astype(np.float32)
        for name, shape in names.items()
    }


@pytest.fixture(scope="module")
def network() -> Network:
    return decode_network(CONFIG, weights, SIZES)


def setup(precision: str, batch: int = 1) -> Setup:
    return Setup.model_validate(
        {"framework": "llamacpp", "mode": "gguf", "precision": precision, "batch": batch}
    )


def loaded(network: Network, folder: Path, precision: str, batch: int = 1) -> dict[str, Any]:
    widened = network.with_batch(batch)
    workspace = Workspace(widened, setup(precision, batch), folder, lambda key, build: folder)
    LlamaCpp().prepare(workspace)
    return {"decode": LlamaCpp().load(folder, widened, setup(precision, batch), threads=1)}


def prompt(rows: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    ids = rng.integers(0, CONFIG.vocabulary, (rows, 8))
    return {"input_ids": ids, "last": np.array([7, 4, 2][:rows])}


def test_fp32_gives_the_references_logits_in_prefill_and_decode(
    network: Network, tmp_path: Path
) -> None:
    greedy = Greedy(SIZES, tokens=4, limit=24)

    ours = greedy.probe(loaded(network, tmp_path, "fp32"), prompt())
    theirs = greedy.probe(reference_runners([network]), prompt())

    assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()


def test_rows_of_a_batch_are_sequences_of_their_own(network: Network, tmp_path: Path) -> None:
    greedy = Greedy(SIZES, tokens=5, limit=24)

    ours = greedy(loaded(network, tmp_path, "fp32", 3), prompt(3), lambda phase, units: None)
    theirs = greedy(
        reference_runners([network.with_batch(3)]), prompt(3), lambda phase, units: None
    )

    assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize(
    ("precision", "cosine", "share"),
    [("fp16", 0.9999, 0.6), ("int8-weight-only", 0.99, 0.4), ("int4-weight-only", 0.85, 0.3)],
)
def test_a_lower_precision_is_smaller_and_near(
    network: Network, tmp_path: Path, precision: str, cosine: float, share: float
) -> None:
    greedy = Greedy(SIZES, tokens=4, limit=24)
    (tmp_path / "exact").mkdir()
    loaded(network, tmp_path / "exact", "fp32")

    ours = greedy.probe(loaded(network, tmp_path, precision), prompt()).ravel()
    theirs = greedy.probe(reference_runners([network]), prompt()).ravel()

    found = float(ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs))
    assert cosine < found < 1
    exact = (tmp_path / "exact" / "model.gguf").stat().st_size
    assert (tmp_path / "model.gguf").stat().st_size < share * exact


def test_a_new_query_forgets_the_one_before(network: Network, tmp_path: Path) -> None:
    runner = loaded(network, tmp_path, "fp32")["decode"]
    zero, one = np.zeros(1, np.int64), np.ones((1, 1), np.int64)
    first, state = runner.step(
        {"input_ids": one, "start": zero, "last": zero}, runner.start(SIZES[0])
    )
    again, _ = runner.step({"input_ids": one, "start": zero, "last": zero}, runner.start(SIZES[0]))

    np.testing.assert_allclose(first, again, rtol=1e-6)
    with pytest.raises(FrameworkError, match="one query at a time"):
        runner.step({"input_ids": one, "start": zero + 1, "last": zero}, state)


def test_a_file_cut_short_is_refused(network: Network, tmp_path: Path) -> None:
    loaded(network, tmp_path, "fp16")
    path = tmp_path / "model.gguf"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(FrameworkError, match="prepare it again"):
        LlamaCpp().load(tmp_path, network, setup("fp16"), threads=1)


def test_what_is_not_a_llama_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    def build() -> Any:
        import torch

        return torch.nn.Linear(2, 2)

    other = Network("forward", (), build)
    workspace = Workspace(other, setup("fp16"), tmp_path, lambda key, build: tmp_path, name="mlp")

    with pytest.raises(UnsupportedSetupError, match="mlp is not one"):
        LlamaCpp().prepare(workspace)
    assert not list(tmp_path.iterdir())


def test_formats_are_those_of_llama_cpp() -> None:
    def q4_k_m(name: str, width: int = 576, layers: int = 30) -> str:
        return format_of(name, (576, width), Precision.INT4_WEIGHT_ONLY, layers)

    assert q4_k_m("blk.0.ffn_down.weight", 1536) == "Q6_K"
    assert q4_k_m("blk.4.ffn_down.weight", 1536) == "Q4_K"
    assert q4_k_m("blk.5.ffn_down.weight", 1536) == "Q6_K"
    assert q4_k_m("blk.4.attn_q.weight") == "Q5_0"  # 576 is no multiple of 256
    assert q4_k_m("token_embd.weight") == "Q8_0"
    assert format_of("output_norm.weight", (576,), Precision.INT4_WEIGHT_ONLY, 30) == "F32"


def test_rows_of_queries_are_put_in_pairs() -> None:
    rows = np.arange(8.0)[:, None]

    assert pairs(rows, heads=2).ravel().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_it_says_that_this_build_has_no_gpu_code() -> None:
    found = LlamaCpp().available(setup("fp16").model_copy(update={"device": "cuda"}))

    assert not found.available
    assert "leave out /cuda" in found.detail
    assert LlamaCpp().available(setup("fp16")).available
