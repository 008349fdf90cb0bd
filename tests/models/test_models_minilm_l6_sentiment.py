from __future__ import annotations

import json

import numpy as np
import pytest

from wattmark.errors import AssetError
from wattmark.models import minilm_l6_sentiment
from wattmark.models.minilm_l6_sentiment import ENCODER, HEAD, MiniLmSentiment, read_head

MODEL = MiniLmSentiment()
TEXTS = [
    "a fine film .",
    "Dull, dull, DULL: I can't say naïve enough things about this résumé of clichés 123!",
    "it goes on " * 100,
    "",
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def module():
    pytest.importorskip("transformers")
    return MODEL.module()


def run(module, inputs):
    import torch

    with torch.inference_mode():
        return module(*(torch.from_numpy(inputs[spec.name]) for spec in MODEL.inputs))


def test_texts_are_padded_to_the_smallest_bucket_that_fits():
    shapes = [q["input_ids"].shape for q in MODEL.preprocess(TEXTS)]
    assert shapes == [(1, 32), (1, 32), (1, 128), (1, 32)]
    assert [q["attention_mask"].sum() for q in MODEL.preprocess(TEXTS)][2:] == [128, 2]


def test_tokens_are_those_of_transformers(module):
    from transformers import BertTokenizerFast

    folder = MODEL._asset.path(ENCODER.members[1]).parent
    tokenizer = BertTokenizerFast.from_pretrained(folder, local_files_only=True)
    for text, inputs in zip(TEXTS, MODEL.preprocess(TEXTS), strict=True):
        length = inputs["input_ids"].shape[1]
        expected = tokenizer(
            text, truncation=True, max_length=128, padding="max_length", return_tensors="np"
        )
        assert np.array_equal(inputs["input_ids"], expected["input_ids"][:, :length])
        assert np.array_equal(inputs["attention_mask"], expected["attention_mask"][:, :length])


def test_embedding_is_that_of_transformers_own_loading(module):
    import torch
    from transformers import BertModel

    folder = MODEL._asset.path(ENCODER.members[0]).parent
    bert = BertModel.from_pretrained(folder, local_files_only=True).eval()
    head = np.array(read_head()[0]), read_head()[1]
    for inputs in MODEL.preprocess(TEXTS[:3]):
        real = int(inputs["attention_mask"].sum())
        with torch.inference_mode():
            hidden = bert(torch.from_numpy(inputs["input_ids"][:, :real])).last_hidden_state
        mean = hidden[0].mean(0).double().numpy()
        expected = mean / np.linalg.norm(mean) @ head[0] + head[1]
        logits = run(module, inputs).numpy()
        assert logits.shape == (1, 2)
        assert logits[0, 1] - logits[0, 0] == pytest.approx(expected, abs=1e-4)


def test_padding_does_not_change_the_answer(module):
    [inputs] = MODEL.preprocess(TEXTS[:1])
    longer = {name: np.pad(array, ((0, 0), (0, 96))) for name, array in inputs.items()}
    assert np.allclose(run(module, inputs), run(module, longer), atol=1e-5)


def test_module_can_be_exported_with_a_free_length(module):
    import torch

    queries = MODEL.preprocess(TEXTS)
    length = torch.export.Dim("length", min=2, max=512)
    arguments = tuple(torch.from_numpy(queries[2][spec.name]) for spec in MODEL.inputs)
    program = torch.export.export(module, arguments, dynamic_shapes=({1: length}, {1: length}))
    for inputs in queries:
        assert np.allclose(run(program.module(), inputs), run(module, inputs), atol=1e-5)


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


def test_held_out_reviews_are_told_apart(module):
    from wattmark.tasks.text_classification import TextClassification

    task = TextClassification()
    _, examples = task.load(100, seed=1)
    answers = [
        task.predict(run(module, inputs).numpy())
        for inputs in MODEL.preprocess([e.data for e in examples])
    ]
    right = [task.score(a, e.label) for a, e in zip(answers, examples, strict=True)]
    assert np.mean(right) > 0.7
