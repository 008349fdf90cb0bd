"""A Whisper in a folder like a hub repository, against transformers' own answer."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from hub_folders import change, save  # noqa: E402
from torch_runner import TorchRunner  # noqa: E402

from wattmark.errors import AssetError, InputError  # noqa: E402
from wattmark.models.hub.hub_speech_recognition import HubSpeechRecognition  # noqa: E402

WORDS = ["[UNK]", "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|transcribe|>"]
WORDS += ["<|notimestamps|>", "go", "forward", "ten", "meters", "now"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("whisper")


@pytest.fixture(scope="module")
def whisper(folder):
    torch.manual_seed(3)
    config = transformers.WhisperConfig(
        vocab_size=len(WORDS), d_model=16, encoder_layers=1, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64,
        decoder_ffn_dim=64, max_target_positions=40, bos_token_id=1, eos_token_id=1,
        pad_token_id=1, decoder_start_token_id=2,
    )  # fmt: skip
    made = transformers.WhisperForConditionalGeneration(config)
    made.generation_config.is_multilingual = True
    made.generation_config.suppress_tokens = [0]
    made.generation_config.begin_suppress_tokens = [1, 6]
    return save(folder, made, WORDS)


def test_logits_are_those_of_transformers(folder, whisper):
    model = HubSpeechRecognition(f"folder:{folder}")
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    (query,) = model.preprocess([noise])
    assert query["input_ids"].tolist() == [[2, 3, 4, 5]], "multilingual: English, transcribe"
    runners = {network.name: TorchRunner(network) for network in model.networks()}
    found = model.pipeline({}).probe(runners, query)
    with torch.inference_mode():
        own = whisper(
            input_features=torch.from_numpy(query["features"]),
            decoder_input_ids=torch.from_numpy(query["input_ids"]),
        ).logits.numpy()
    np.testing.assert_allclose(found, own[:, 1:], rtol=1e-4, atol=1e-4 * np.abs(own).max())
    answered = model.pipeline({"tokens": "6"})(runners, query, lambda phase, units: None)
    assert answered.shape == (1, 6) and not np.isin(answered, [0, 1]).any()
    assert answered[0, 0] != 6
    assert model.postprocess(np.array([[6, 7, 8, 9, 1, 6]]), query) == "go forward ten meters"
    assert model.info().parameters == sum(p.numel() for p in whisper.parameters())


@pytest.mark.usefixtures("whisper")
def test_what_does_not_fit_is_refused(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    model = f"folder:{tmp_path}"
    change(tmp_path / "config.json", encoder_layers=2)
    with pytest.raises(AssetError, match=r"15 of \d+ weights .*encoder\.layers\.1\.self_attn"):
        HubSpeechRecognition(model).info()
    change(tmp_path / "config.json", num_mel_bins=128)
    with pytest.raises(InputError, match=r"num_mel_bins 128, but 80 is what can be run"):
        HubSpeechRecognition(model).info()
    change(tmp_path / "config.json", vocab_size=None, num_mel_bins=80)
    with pytest.raises(AssetError, match=r"has no number 'vocab_size'"):
        HubSpeechRecognition(model).info()
