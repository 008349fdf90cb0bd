from __future__ import annotations

import json

import numpy as np
import pytest

from wattmark.errors import AssetError
from wattmark.models import minilm_l6_sentiment
from wattmark.models.minilm_l6_sentiment import HEAD, MiniLmSentiment, read_head
from wattmark.models.networks.minilm_l6 import ENCODER, encoder_asset
from wattmark.tasks.text_classification import TextClassification

MODEL = MiniLmSentiment()
TEXTS = [
    "a fine film .",
    "Dull, dull, DULL: I can't say naïve enough things about this résumé of clichés 123!",
    "it goes on " * 100,
    "",
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network(only_network):
    pytest.importorskip("transformers")
    return only_network(MODEL)


@pytest.fixture(scope="module")
def module(network):
    return network.module()


def test_texts_are_padded_to_the_smallest_bucket_that_fits():
    shapes = [q["input_ids"].shape for q in MODEL.preprocess(TEXTS)]
    assert shapes == [(1, 32), (1, 32), (1, 128), (1, 32)]
    assert [q["attention_mask"].sum() for q in MODEL.preprocess(TEXTS)][2:] == [128, 2]


def test_tokens_are_those_of_transformers(network):
    from transformers import BertTokenizerFast

    folder = encoder_asset().path(ENCODER.members[1]).parent
    tokenizer = BertTokenizerFast.from_pretrained(folder, local_files_only=True)
    for text, inputs in zip(TEXTS, MODEL.preprocess(TEXTS), strict=True):
        length = inputs["input_ids"].shape[1]
        expected = tokenizer(
            text, truncation=True, max_length=128, padding="max_length", return_tensors="np"
        )
        assert np.array_equal(inputs["input_ids"], expected["input_ids"][:, :length])
        assert np.array_equal(inputs["attention_mask"], expected["attention_mask"][:, :length])


def test_embedding_is_that_of_transformers_own_loading(network, module, answer):
    import torch
    from transformers import BertModel

    folder = encoder_asset().path(ENCODER.members[0]).parent
    bert = BertModel.from_pretrained(folder, local_files_only=True).eval()
    head = np.array(read_head()[0]), read_head()[1]
    for inputs in MODEL.preprocess(TEXTS[:3]):
        real = int(inputs["attention_mask"].sum())
        with torch.inference_mode():
            hidden = bert(torch.from_numpy(inputs["input_ids"][:, :real])).last_hidden_state
        mean = hidden[0].mean(0).double().numpy()
        expected = mean / np.linalg.norm(mean) @ head[0] + head[1]
        logits = answer(network, module, inputs)
        assert logits.shape == (1, 2)
        assert logits[0, 1] - logits[0, 0] == pytest.approx(expected, abs=1e-4)


def test_padding_does_not_change_the_answer(network, module, answer):
    [inputs] = MODEL.preprocess(TEXTS[:1])
    longer = {name: np.pad(array, ((0, 0), (0, 96))) for name, array in inputs.items()}
    short, long = (answer(network, module, q) for q in (inputs, longer))
    assert np.allclose(short, long, atol=1e-5)


def test_module_can_be_exported_with_a_free_length(network, module, answer, exported):
    queries = MODEL.preprocess(TEXTS)
    program = exported(network, module, queries[2])
    for inputs in queries:
        ours, theirs = (answer(network, m, inputs) for m in (program, module))
        assert np.allclose(ours, theirs, atol=1e-5)


def test_identity_covers_the_head(module, monkeypatch, tmp_path):
    info = MODEL.info()
    assert info.parameters == sum(p.numel() for p in module.parameters())
    changed = json.loads(HEAD.read_text())
    changed["bias"] += 1e-6
    (tmp_path / "head.json").write_text(json.dumps(changed))
    monkeypatch.setattr(minilm_l6_sentiment, "HEAD", tmp_path / "head.json")
    assert MODEL.info().digest != info.digest


@pytest.mark.parametrize("content", ["", "{}", '{"weight": [1], "bias": 0}', "[]"])
def test_damaged_head_is_an_error(content, monkeypatch, tmp_path):
    (tmp_path / "head.json").write_text(content)
    monkeypatch.setattr(minilm_l6_sentiment, "HEAD", tmp_path / "head.json")
    with pytest.raises(AssetError, match=r"sentiment head head\.json"):
        read_head()


def test_held_out_reviews_are_told_apart(network, module, answer):
    """The card says 0.751 over 2 000 texts; its standard error over 100 is 0.043."""
    task = TextClassification()
    _, examples = task.load(100, seed=1)
    said = [
        task.predict(MODEL.postprocess(answer(network, module, inputs), inputs))
        for inputs in MODEL.preprocess([e.data for e in examples])
    ]
    assert 0.67 < task.quality(said, [e.label for e in examples]) < 0.84
