"""Our two networks against transformers' Whisper of the same weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from torch_runner import TorchRunner  # noqa: E402
from whisper_weights import load, variables  # noqa: E402

from wattmark.contracts import InputSpec, Network  # noqa: E402
from wattmark.errors import CorruptArchiveError, UnsupportedSetupError  # noqa: E402
from wattmark.models.networks.whisper import Dimensions, decoder, encoder  # noqa: E402
from wattmark.models.whisper_tiny_en import END as END_OF_TEXT  # noqa: E402
from wattmark.models.whisper_tiny_en import PROMPT, SIZES, WhisperTinyEn  # noqa: E402
from wattmark.pipelines.greedy import Greedy  # noqa: E402
from wattmark.tasks.automatic_speech_recognition import (  # noqa: E402
    AutomaticSpeechRecognition,
)

SMALL = Dimensions(
    bands=8, frames=40, width=32, heads=4, encoder_layers=2, decoder_layers=3,
    vocabulary=60, positions=24, context=12,
)  # fmt: skip
END = 50


def configured(sizes: Dimensions, **settings):
    return transformers.WhisperForConditionalGeneration(
        transformers.WhisperConfig(
            vocab_size=sizes.vocabulary, num_mel_bins=sizes.bands, d_model=sizes.width,
            encoder_layers=sizes.encoder_layers, decoder_layers=sizes.decoder_layers,
            encoder_attention_heads=sizes.heads, decoder_attention_heads=sizes.heads,
            encoder_ffn_dim=4 * sizes.width, decoder_ffn_dim=4 * sizes.width,
            max_source_positions=sizes.frames // 2, max_target_positions=sizes.positions,
            attn_implementation="sdpa", **settings,
        )
    ).eval()  # fmt: skip


@pytest.fixture(scope="module")
def reference():
    torch.manual_seed(0)
    settings = {"pad_token_id": END, "bos_token_id": END, "eos_token_id": END}
    whisper = configured(SMALL, decoder_start_token_id=51, **settings)
    with torch.no_grad():
        for parameter in whisper.parameters():
            parameter.normal_(0, 0.3)
    return whisper


def small_runners(whisper, batch: int = 1) -> dict[str, TorchRunner]:
    stored = variables(whisper)
    features = (InputSpec("features", "float32", (1, SMALL.bands, SMALL.frames)),)
    tokens = tuple(InputSpec(n, "int64", (1,)) for n in ("input_ids", "start", "last"))
    networks = (
        Network("encode", features, lambda: encoder(SMALL, stored), writes=SMALL.cross()),
        Network("decode", tokens, lambda: decoder(SMALL, stored),
                reads=SMALL.cross() + SMALL.cache(), writes=SMALL.cache()),
    )  # fmt: skip
    return {network.name: TorchRunner(network, batch) for network in networks}


def query(rows: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        "features": rng.standard_normal((rows, SMALL.bands, SMALL.frames)).astype(np.float32),
        "input_ids": np.array([[51, 52]] * rows),
        "last": np.array([1] * rows),
    }


def greedy(**settings) -> Greedy:
    return Greedy([{"length": 2}], limit=10, encode=("query", 1), **settings)


def test_logits_are_those_of_transformers(reference):
    asked = query()
    found = greedy(tokens=4).probe(small_runners(reference), asked)
    with torch.inference_mode():
        ids = torch.tensor([[51, 52, 52]])  # a prompt of two tokens, its last one fed again
        expected = reference(torch.from_numpy(asked["features"]), decoder_input_ids=ids).logits
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4 * float(expected.abs().max()))


def test_tokens_are_those_of_generate_and_rows_do_not_mix(reference):
    asked = query(rows=3)
    tokens = greedy(tokens=8)(small_runners(reference, 3), asked, lambda phase, units: None)
    for row, features in enumerate(asked["features"]):
        expected = reference.generate(
            torch.from_numpy(features[None]),
            decoder_input_ids=torch.tensor([[51, 52]]),
            do_sample=False, min_new_tokens=8, max_new_tokens=8,
        )  # fmt: skip
        assert tokens[row].tolist() == expected[0].tolist()


def test_weights_of_another_size_are_refused(reference):
    with pytest.raises(CorruptArchiveError, match=r"conv1\.weight is of shape"):
        encoder(replace(SMALL, bands=9), variables(reference))
    with pytest.raises(CorruptArchiveError, match=r"layer\.3\.self_attention\S* is missing"):
        decoder(replace(SMALL, decoder_layers=4), variables(reference))


MODEL = WhisperTinyEn()


@pytest.fixture(scope="module")
def real():
    return {network.name: TorchRunner(network, 1) for network in MODEL.networks()}


@pytest.mark.slow
def test_identity_matches_the_networks(real):
    modules = [runner.network.module() for runner in real.values()]
    counts = (sum(p.numel() for p in module.parameters()) for module in modules)
    assert MODEL.info().parameters == sum(counts)
    used = {name for module in modules for name in module.state_dict()}
    stored = {name for name, values in MODEL._weights().items() if values.ndim}
    assert len(used) == len(stored)  # the scalars are settings, all else is used


@pytest.mark.slow
def test_sentence_is_transcribed_as_by_transformers(real):
    whisper = configured(SIZES, pad_token_id=50256, bos_token_id=50256, eos_token_id=50256)
    load(whisper, MODEL._weights())
    never, never_first = MODEL._suppressed
    _, examples = AutomaticSpeechRecognition().load(11, seed=0)
    [spoken] = [e.data for e in examples if e.label == "go forward ten meters"]
    [asked] = MODEL.preprocess([spoken])
    output = MODEL.pipeline({})(real, asked, lambda phase, units: None)
    expected = whisper.generate(
        torch.from_numpy(asked["features"]),
        decoder_input_ids=torch.tensor([PROMPT]),
        do_sample=False, max_new_tokens=40,
        suppress_tokens=never, begin_suppress_tokens=never_first,
    )  # fmt: skip
    assert output[0].tolist() == [*expected[0].tolist(), END_OF_TEXT]
    assert MODEL.postprocess(output, asked) == "Go forward 10 meters."


@pytest.mark.slow
def test_word_errors_of_the_five_sentences_are_the_known_ones(real):
    task, pipeline = AutomaticSpeechRecognition(), MODEL.pipeline({})
    _, examples = task.load(11, seed=0)
    read = [e for e in examples if e.source == "librivox"]
    asked = MODEL.preprocess([e.data for e in read])
    outputs = [pipeline(real, query, lambda phase, units: None) for query in asked]
    said = [MODEL.postprocess(o, query) for o, query in zip(outputs, asked, strict=True)]
    # faster-whisper makes the same 3 errors in 71 words with these weights
    assert task.quality(said, [e.label for e in read]) == 3 / 71


@pytest.mark.slow
def test_logits_of_the_real_weights_are_those_of_transformers(real):
    whisper = configured(SIZES)
    load(whisper, MODEL._weights())
    rng = np.random.default_rng(0)
    [asked] = MODEL.preprocess([rng.standard_normal(32_000).astype(np.float32) * 0.1])
    found = MODEL.pipeline({}).probe(real, asked)
    with torch.inference_mode():
        ids = torch.tensor([[*PROMPT, PROMPT[-1]]])
        logits = whisper(torch.from_numpy(asked["features"]), decoder_input_ids=ids).logits
    np.testing.assert_allclose(found, logits.numpy(), atol=1e-4 * float(logits.abs().max()))


@pytest.mark.slow
def test_bad_options_are_refused():
    with pytest.raises(UnsupportedSetupError, match="from 1 to 224"):
        MODEL.pipeline({"tokens": "500"})
    with pytest.raises(UnsupportedSetupError, match="beams"):
        MODEL.pipeline({"beams": "5"})
